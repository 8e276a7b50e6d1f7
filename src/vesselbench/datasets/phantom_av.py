"""phantom_av: the synthetic photographs of phantom under a second name, for what tells arteries from veins apart.

Everything is as in the data sheet of phantom; ``task: artery_vein`` makes its artery/vein maps the labels.
"""

from vesselbench.datasets.phantom.source import PhantomParameters, draw_dataset
from vesselbench.datasets.source import Source

SOURCE = Source(title="phantom_av", parameters=PhantomParameters, draw=draw_dataset)
