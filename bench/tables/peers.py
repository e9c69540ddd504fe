"""Trains one peer on the training rows of a table, and scores it on the rows held out.

    python peers.py PEER TRAIN.csv TEST.csv TARGET regression|binary|multiclass SEED THREADS

PEER is lightgbm, histgb, xgboost, catboost, mlp or realmlp, each with its own defaults. Cells of text
are categories, empty ones missing. scikit-learn's MLP gets what it needs: medians, standard scaling and
one input a category. HistGradientBoosting takes at most 255 categories; a column with more is left
out. Prints one JSON object: scores, seconds of training, microseconds of predicting a row (all test
rows at once), and the bytes of the pickled model.
"""
import json
import pickle
import sys
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score


def lightgbm(task, seed, threads):
    from lightgbm import LGBMClassifier, LGBMRegressor
    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    return kind(random_state=seed, n_jobs=threads, verbose=-1)


def histgb(task, seed, threads):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return kind(random_state=seed, categorical_features="from_dtype")


def xgboost(task, seed, threads):
    from xgboost import XGBClassifier, XGBRegressor
    kind = XGBRegressor if task == "regression" else XGBClassifier
    return kind(random_state=seed, n_jobs=threads, enable_categorical=True)


def catboost(task, seed, threads):
    from catboost import CatBoostClassifier, CatBoostRegressor
    kind = CatBoostRegressor if task == "regression" else CatBoostClassifier
    return kind(random_seed=seed, thread_count=threads, verbose=False, allow_writing_files=False)


def mlp(task, seed, threads):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    inputs = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", max_categories=256), make_column_selector(dtype_include="category")))
    kind = MLPRegressor if task == "regression" else MLPClassifier
    return make_pipeline(inputs, kind(random_state=seed))


def realmlp(task, seed, threads):
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor
    kind = RealMLP_TD_Regressor if task == "regression" else RealMLP_TD_Classifier
    return kind(random_state=seed, n_threads=threads, device="cpu")


PEERS = {f.__name__: f for f in (lightgbm, histgb, xgboost, catboost, mlp, realmlp)}


def read(name, train, test, target):
    """Returns inputs and targets of both tables, with the same categories in both."""
    a, b = pd.read_csv(train), pd.read_csv(test)
    both = pd.concat([a, b], keys=["train", "test"])
    for c in both.columns:
        if c == target or pd.api.types.is_numeric_dtype(both[c]) and both[c].dtype != bool:
            continue
        both[c] = both[c].astype(str).where(both[c].notna(), other=np.nan)
        if name == "catboost":
            both[c] = both[c].fillna("")
            continue
        levels = sorted(both.loc["train"][c].dropna().unique())
        if name == "histgb" and len(levels) > 255:
            both = both.drop(columns=c)
            continue
        both[c] = pd.Categorical(both[c], categories=levels)
    x, y = both.drop(columns=target), both[target]
    x.columns = [f"x{i}" for i in range(x.shape[1])]  # LightGBM and XGBoost refuse some signs in names
    return x.loc["train"], y.loc["train"], x.loc["test"], y.loc["test"]


def main(name, train, test, target, task, seed, threads):
    seed, threads = int(seed), int(threads)
    x, y, tx, ty = read(name, train, test, target)
    classes = None
    if task == "regression":
        y, ty = y.to_numpy(float), ty.to_numpy(float)
        center, scale = (y.mean(), y.std()) if name == "mlp" else (0, 1)  # the MLP does not scale targets
    else:
        classes, y = np.unique(y.astype(str), return_inverse=True)
        ty = np.searchsorted(classes, ty.astype(str))
        center, scale = 0, 1
    model = PEERS[name](task, seed, threads)
    settings = {}
    if name == "catboost":
        settings["cat_features"] = [c for c in x.columns if x[c].dtype == object or str(x[c].dtype).startswith("str")]
    began = time.perf_counter()
    model.fit(x, y if classes is not None else (y - center) / scale, **settings)
    trained = time.perf_counter()
    if classes is None:
        p = np.ravel(model.predict(tx)) * scale + center
        predicted = time.perf_counter()
        scores = {"rmse": float(np.sqrt(np.mean((p - ty) ** 2)))}
    else:
        p = np.asarray(model.predict_proba(tx), float)
        predicted = time.perf_counter()
        p = np.clip(p, 1e-15, 1)
        p /= p.sum(axis=1, keepdims=True)
        scores = {
            "log_loss": float(log_loss(ty, p, labels=range(len(classes)))),
            "accuracy": float(accuracy_score(ty, p.argmax(axis=1))),
            "auc": float(roc_auc_score(ty, p[:, 1]) if len(classes) == 2 else
                         roc_auc_score(ty, p, multi_class="ovr", labels=range(len(classes)))),
        }
    print(json.dumps({**scores, "seconds": trained - began, "row_us": (predicted - trained) / len(tx) * 1e6,
                      "bytes": len(pickle.dumps(model))}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
