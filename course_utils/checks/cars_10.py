"""What the exercises of lesson 10 begin with: cars with planted faults, and cars to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from course_utils.checks.hidden import my_rng
from course_utils.data import DATA_FOLDER

__all__ = ["NUMBERS", "TARGET", "car_table", "dirty_cars", "plant_faults", "two_hundred_cars"]

TARGET = "Miles_per_Gallon"
NUMBERS = ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration", "Year"]
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


def two_hundred_cars(student: int) -> pd.DataFrame:
    """200 of the cars, drawn for this student."""
    return car_table().sample(200, random_state=int(my_rng(student, exercise="10.5").integers(2**31))).reset_index()


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
