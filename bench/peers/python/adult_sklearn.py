"""A table to a trained model with scikit-learn, as a whole process.

  adult_sklearn.py train TRAIN.csv MODEL   20 epochs of a 64-64 net, batches of 128, adam
  adult_sklearn.py score MODEL TEST.csv    prints {"accuracy": ..}

Numbers are imputed by the median and standardized, categories become one-hot, all in
float32, which MLPClassifier then trains in. Dense one-hot: the sparse form was slower to
train. joblib writes the file.
"""

import json
import sys

import joblib
import numpy as np
import pandas as pd


def columns(path):
    t = pd.read_csv(path)
    return t.iloc[:, :-1], t.iloc[:, -1]


if sys.argv[1] == "train":
    import warnings

    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    warnings.filterwarnings("ignore")
    x, y = columns(sys.argv[2])
    numbers = x.select_dtypes("number").columns
    x = x.astype({c: np.float32 for c in numbers})
    rest = [c for c in x.columns if c not in set(numbers)]
    encode = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(numbers)),
            ("rest", make_pipeline(SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)), rest),
        ]
    )
    net = MLPClassifier(
        hidden_layer_sizes=(64, 64), batch_size=128, max_iter=20, learning_rate_init=0.001, alpha=0,
        tol=0, n_iter_no_change=20, early_stopping=False, random_state=1,
    )
    model = make_pipeline(encode, net).fit(x, y)
    joblib.dump(model, sys.argv[3])
    print(json.dumps({"loss": float(net.loss_), "epochs": int(net.n_iter_), "inputs": int(net.n_features_in_), "dtype": str(net.coefs_[0].dtype)}))
else:
    model = joblib.load(sys.argv[2])
    x, y = columns(sys.argv[3])
    print(json.dumps({"accuracy": float((model.predict(x) == y).mean())}))
