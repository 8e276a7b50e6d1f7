"""phantom: synthetic fundus photographs, drawn by this project from a seed, for demonstrations and tests.

Photographs
    By default 12 to train and 6 to test, 256 x 256, RGB PNG; numbers, size and seed are parameters. Ids
    p01, p02, ...
Labels
    Known by construction: vessels (the truth), a "second observer" who misses thin vessels, arteries and
    veins.
FoV
    The circle that was drawn.
Licence
    That of this project.
Traps
    Made to look like a fundus photograph, not to be one: a result here says that the pipeline works,
    nothing on eyes.
"""

from vesselbench.data.manifest import Source
from vesselbench.data.sources.phantom.drawing import PhantomParameters, draw_dataset

SOURCE = Source(title="phantom", parameters=PhantomParameters, draw=draw_dataset)
