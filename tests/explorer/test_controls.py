import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from course_utils.experiment import Settings
from course_utils.explorer.controls import CONTROLS, Datasets, available, check_names, neighbours, start_setup


def test_controls_cover_what_the_course_asks_for():
    values = {name: control.values for name, control in CONTROLS.items()}
    assert (values["width"][0], values["width"][-1]) == (4, 512)
    assert values["depth"] == tuple(range(11))
    assert (values["dropout"][0], values["dropout"][-1]) == (0, 0.9)
    assert (values["learning_rate"][0], values["learning_rate"][-1]) == (1e-5, 10)
    assert all(value & (value - 1) == 0 for name in ("width", "batch_size") for value in values[name])
    assert {*CONTROLS} - {"n_train", "label_noise"} == {*Settings.__dataclass_fields__} - {"seed"}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=list(CONTROLS))
def test_every_control_explains_itself_in_one_sentence(control):
    assert control.help.endswith(".")
    assert ". " not in control.help
    assert list(control.values) == sorted(set(control.values)) or not control.is_slider


@pytest.mark.parametrize("name", [name for name, control in CONTROLS.items() if control.is_slider])
def test_every_position_of_a_slider_can_be_typed(name):
    control = CONTROLS[name]
    for i, value in enumerate(control.values):
        assert control.parse(control.format(value)) == value
        assert control.nearest(value) == i


def test_a_comma_is_a_decimal_point_and_parts_the_thousands_of_a_whole_number():
    assert CONTROLS["learning_rate"].parse("0,01") == 0.01
    assert CONTROLS["dropout"].parse("0,3") == 0.3
    assert CONTROLS["batch_size"].parse("1,024") == 1024
    for name, text in (("depth", "0,5"), ("width", "1,00"), ("learning_rate", "1,000.5"), ("batch_size", "1,0240")):
        with pytest.raises(ValueError, match=f"{name}='{text}'"):
            CONTROLS[name].parse(text)


def test_typed_values():
    assert CONTROLS["learning_rate"].parse("3e-4") == 3e-4
    for text in ("nan", "inf", "1e9", "-1", "x"):
        with pytest.raises(ValueError, match="learning_rate="):
            CONTROLS["learning_rate"].parse(text)


def test_data_controls_need_data_that_has_them(wine, mnist):
    assert "n_train" in available(mnist)
    assert "n_train" not in available(wine)
    assert check_names(["width"], wine) == ("width",)


def test_setup_changes_settings_and_data(mnist):
    setup = start_setup(mnist, {"width": 8, "label_noise": 0.2})
    assert (setup.value("width"), setup.value("label_noise"), setup.value("n_train")) == (8, 0.2, 100)
    changed = setup.changed(n_train=50, dropout=0.5)
    assert (changed.value("n_train"), changed.settings.dropout) == (50, 0.5)
    assert setup.value("n_train") == 100
    with pytest.raises(ValueError, match="dropout=2"):
        setup.changed(dropout=2)


def test_neighbours_begin_with_the_control_that_was_moved(wine):
    setup = start_setup(wine, {"width": 64, "depth": 0, "epochs": 20})
    found = neighbours(setup, ("epochs", "depth", "width"), moved="width")
    assert [(one.settings.width, one.settings.depth) for one in found] == [(128, 0), (32, 0), (256, 0), (64, 1)]
    assert {one.settings.epochs for one in found} == {20}  # more epochs need no other network


def test_datasets_give_the_given_data_where_nothing_differs(wine, mnist):
    assert Datasets(wine).of(start_setup(wine, {})) is wine
    datasets = Datasets(mnist)
    setup = start_setup(mnist, {})
    assert datasets.of(setup) is mnist
    few = datasets.of(setup.changed(n_train=50))
    assert (few.x_train == mnist.x_train[:50]).all()
    assert (few.y_valid == mnist.y_valid).all()
    assert datasets.of(setup.changed(n_train=50)) is few


def test_datasets_keep_the_last_two_and_let_the_others_go(mnist):
    datasets, setup = Datasets(mnist), start_setup(mnist, {})
    made = [weakref.ref(datasets.of(setup.changed(n_train=n)).x_train) for n in (50, 60, 70)]
    gc.collect()
    assert [one() is None for one in made] == [True, False, False]


def test_datasets_may_be_asked_by_several_threads(mnist):
    datasets, setup = Datasets(mnist), start_setup(mnist, {})
    asked = [setup.changed(n_train=50 + i % 5) for i in range(60)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(datasets.of, asked))
    assert [len(one.x_train) for one in found] == [one.value("n_train") for one in asked]


def test_the_nearest_position_is_that_of_the_smallest_factor_not_of_the_smallest_distance():
    width, rate = CONTROLS["width"], CONTROLS["learning_rate"]
    assert width.values[width.nearest(91)] == 128  # 1.41 times as much; 64 is nearer, but by 1.42
    assert rate.values[rate.nearest(0.0072)] == 0.01
    assert CONTROLS["depth"].nearest(0) == 0  # where there is a zero, the distance counts
    assert CONTROLS["dropout"].values[CONTROLS["dropout"].nearest(0.22)] == 0.2


def test_describe():
    from course_utils.data import load_mnist  # noqa: PLC0415

    setup = start_setup(load_mnist(n_train=50, n_valid=10, n_test=0), {"batch_norm": True, "learning_rate": 0.001})
    names = ("width", "dropout", "batch_norm", "learning_rate", "schedule", "n_train")
    assert setup.describe(names) == (
        "width 64 · dropout 0 · batch norm · learning rate 0.001 · constant rate · training size 50"
    )
