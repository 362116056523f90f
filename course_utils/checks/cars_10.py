"""What the exercises of lesson 10 begin with: cars with planted faults, and cars to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold

from course_utils.checks.hidden import my_rng
from course_utils.data import DATA_FOLDER, Dataset
from course_utils.experiment import Settings, run_seeds

__all__ = ["NUMBERS", "TARGET", "car_table", "dirty_cars", "judged_cars", "plant_faults"]

TARGET = "Miles_per_Gallon"
NUMBERS = ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration", "Year"]
N_CARS = 200
UNKNOWN = -1.0  # stands for a horsepower that is not known


def car_table() -> pd.DataFrame:
    """All 398 cars whose fuel economy is known, the year as a number."""
    cars = pd.read_csv(Path(DATA_FOLDER) / "cars.csv").dropna(subset=TARGET).reset_index(drop=True)
    return cars.assign(Year=pd.to_datetime(cars["Year"]).dt.year)


def dirty_cars(student: int) -> pd.DataFrame:
    """A table of cars with six faults, in places of this student's own.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    pandas.DataFrame
        About 300 rows; the target is `Miles_per_Gallon`.
    """
    return plant_faults(my_rng(student, exercise="10.1"))


def judged_cars(student: int) -> pd.DataFrame:
    """Errors of plane and network on 200 cars of this student, each car judged by models that had not seen its name.

    The network is the recipe of lesson 10: two layers of 64 units, Adam at 0.03 with cosine decay, the average of five
    seeds. Four folds by name.

    Parameters
    ----------
    student : int
        Student number.

    Returns
    -------
    pandas.DataFrame
        One row per car: `name`, and the absolute errors `plane` and `network` in miles per gallon.
    """
    rng = my_rng(student, exercise="10.5")
    cars = car_table().sample(N_CARS, random_state=int(rng.integers(2**31))).reset_index(drop=True)
    y, names = cars[TARGET].to_numpy("float32"), cars["Name"].to_numpy()
    found = pd.DataFrame({"name": names, "plane": 0.0, "network": 0.0})
    recipe = Settings(learning_rate=0.03, schedule="cosine")
    groups = rng.permutation(len(names))[pd.factorize(names)[0]]  # folds of other names for each student
    for part, fold in GroupKFold(4).split(cars, groups=groups):
        train = part[: N_CARS * 3 // 4 - 1]  # equal folds: one graph for all of them
        x, z = _inputs(cars.iloc[train], cars.iloc[train]), _inputs(cars.iloc[train], cars.iloc[fold])
        mean = y[train].mean()
        data = Dataset("cars", "regression", x, y[train] - mean, z[:0], y[:0], z[:0], y[:0])
        runs = run_seeds(recipe, data, seeds=range(5))
        answers = np.mean([run.model(z).numpy()[:, 0] for run in runs], axis=0) + mean
        straight = LinearRegression().fit(x, y[train]).predict(z)
        found.loc[fold, "network"], found.loc[fold, "plane"] = abs(answers - y[fold]), abs(straight - y[fold])
    return found


def _inputs(train: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Inputs of `rows`, filled and standardized by `train`."""
    tables = []
    for part in (train, rows):
        table = part[NUMBERS].fillna(train[NUMBERS].median())
        table["no horsepower"] = part["Horsepower"].isna()
        for origin in ("Europe", "Japan", "USA"):
            table[origin] = part["Origin"] == origin
        tables.append(table.astype("float32"))
    x, z = tables
    return ((z - x.mean()) / x.std(ddof=0).replace(0, 1)).to_numpy()


def plant_faults(rng: np.random.Generator) -> pd.DataFrame:
    """Draw cars, and spoil the table in six ways."""
    cars = car_table().sample(280, random_state=int(rng.integers(2**31)))
    cars["Horsepower"] = cars["Horsepower"].fillna(100.0)
    cars.loc[rng.choice(cars.index, 12, replace=False), "Horsepower"] = UNKNOWN
    # What a car burns is measured together with the target: nobody knows it before.
    cars["Litres_per_100km"] = 235.21 / cars[TARGET] + rng.normal(0, 0.2, len(cars))
    cars["Wheels"] = 4
    cars.loc[rng.choice(cars.index, 8, replace=False), TARGET] = np.nan
    known = cars[cars[TARGET].notna() & (cars["Horsepower"] != UNKNOWN)]
    copies = known.sample(15, random_state=int(rng.integers(2**31)))
    cars = pd.concat([cars, copies]).sample(frac=1, random_state=int(rng.integers(2**31)))
    cars.insert(0, "Number", np.arange(1, len(cars) + 1))  # of the row in the file: copies differ in it
    return cars.reset_index(drop=True)
