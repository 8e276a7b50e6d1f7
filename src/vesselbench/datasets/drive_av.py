"""DRIVE-AV: arteries and veins of DRIVE's photographs, the labels of RITE (Hu et al., MICCAI 2013).

Photographs: DRIVE's 40, 584 x 565 (rows x columns), 8-bit RGB TIFF, and DRIVE's split: 01 to 20 test, else train.
Labels: RGB PNG: red artery, blue vein, green crossing, white uncertain, black background. Shares inside the FoV, in the
    order of these colours: 5.07, 6.22, .31, .59 % (train), 5.21, 6.34, .46, .23 % (test). Odd colours are read as the
    nearest corner of the colour cube: 40 magenta and 3 cyan pixels as crossings, 10 nearly red or blue ones as such.
FoV: official masks for all 40; 215 vessel pixels lie outside.
Archives: ``DRIVE.zip``, see the data sheet of drive; ``AV_groundTruth.zip`` from the owner's page, for a form filled
    in. It may hold the photographs as well, but has no masks: those are estimated where DRIVE.zip is not at hand.
Licence: research use, to be cited; DRIVE's terms hold for the photographs. Neither may be passed on by this project.
Traps: the test labels follow DRIVE's second observer, the training labels the first (34 aside): vessels of the test
    labels agree with the first observer's by a Dice score of .79 only. So DRIVE's labels are not taken here: the vessel
    truth is what is of any kind. 34 is half labelled: 15,706 of its 32,287 vessel pixels are background; a split can
    leave it out by ``exclude``. Another annotation of the same photographs goes by the same name.
"""

from vesselbench.datasets.source import Source, place_by_pattern

SOURCE = Source(
    title="DRIVE-AV",
    page="https://eye.medicine.uiowa.edu/rite-dataset (labels) and https://drive.grand-challenge.org/ (photographs)",
    archives=("DRIVE.zip", "AV_groundTruth.zip"),
    mirror="https://codeload.github.com/rmaphoh/Learning_AVSegmentation/tar.gz/361c603fab8eb1b0c0ff1702083cb5b6fdaaedd6",
    place=place_by_pattern(  # AV_groundTruth/test/av/01_test.png is artery_vein/01.png
        r"(?:DRIVE/\w+/(?=images|mask)|AV_groundTruth/\w+/(?=av))(?P<kind>\w+)/(?P<id>\d\d)_\w+(?P<ending>\.\w+)",
        {"images": "images", "mask": "fov", "av": "artery_vein"},
    ),
    describe=lambda identifier: (identifier, "train" if int(identifier) > 20 else "test"),  # one photograph a patient
)
