"""Stage ``transfer``: one run's weights on the test images of another data set, with eyes as wide as those it knows."""

from vesselbench.stages import evaluate, predict
from vesselbench.stages.entry import start


def main(run: str, data: str, split: str, recipe_name: str, weights: str) -> None:
    predict.main(run, data, split, recipe_name, weights)
    evaluate.main(run, data, split)


if __name__ == "__main__":
    start(main)
