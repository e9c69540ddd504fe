import numpy as np, pandas as pd, sys
from sklearn.linear_model import *
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import cross_val_predict, KFold
from sklearn import metrics as sk
d=pd.read_csv('/tmp/wt/user/examples/data/diabetes.csv'); y=d.progression.values; X=d.drop(columns='progression').values
cv=KFold(8,shuffle=True,random_state=1)
for q in (.9,.1,.5):
    p=cross_val_predict(make_pipeline(StandardScaler(),QuantileRegressor(quantile=q,alpha=1e-3)),X,y,cv=cv); print(q,sk.mean_pinball_loss(y,p,alpha=q), sk.mean_absolute_error(y,p))
p=cross_val_predict(make_pipeline(StandardScaler(),PoissonRegressor(alpha=1e-3)),X,y,cv=cv); print('poisson',sk.mean_poisson_deviance(y,p))
p=cross_val_predict(make_pipeline(StandardScaler(),GammaRegressor(alpha=1e-3)),X,y,cv=cv); print('gamma',sk.mean_gamma_deviance(y,p))
