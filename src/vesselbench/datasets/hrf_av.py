"""HRF-AV: arteries and veins of the High-Resolution Fundus images (Hemelings et al., CMIG 2019; Budai et al., 2013).

Photographs: 45, 2336 x 3504 (rows x columns), 8-bit RGB JPEG, FoV of 45 degrees (Canon CR-1): 15 patients each with
    diabetic retinopathy, glaucoma and healthy eyes. Ids 01_dr, 01_g, 01_h to 15_h. The owner publishes no split; the
    one here is that of BF-Net's repository, 01 to 08 train (24), the others test (21), made by hand.
Labels: RGB PNG: red artery, blue vein, green crossing, black background, no white. Shares in the FoV, in this order:
    3.93, 4.58, .53 % (train), 3.99, 4.54, .69 % (test). 3,133 pixels of 11_h, 12_h, 13_h are smooth edges and greys,
    read as the nearest corner of the colour cube (1,167 background, 873 arteries, 996 veins, 91 crossings, 6 white).
FoV: official masks for all 45, RGB images of three equal channels; 4,153 vessel pixels lie outside.
Archives: ``all.zip`` from https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip, without login; the
    folder ``HRF_AV_GT`` of https://github.com/rubenhx/av-segmentation, as it is or packed as ``HRF_AV_GT.zip``.
Licence: photographs CC BY 4.0; the labels' owner states none, to be cited.
Traps: 15 train and 30 test is in use as well. A photograph has 25 times the pixels of one of DRIVE's.
"""

from vesselbench.datasets.source import Source, place_by_pattern

SOURCE = Source(
    title="HRF-AV",
    page="https://www5.cs.fau.de/research/data/fundus-images/ and https://github.com/rubenhx/av-segmentation (labels)",
    archives=("all.zip", "HRF_AV_GT.zip"),
    mirror="https://codeload.github.com/rmaphoh/Learning_AVSegmentation/tar.gz/361c603fab8eb1b0c0ff1702083cb5b6fdaaedd6",
    place=place_by_pattern(  # HRF_AV_GT/01_dr_AVmanual.png is artery_vein/01_dr.png
        r"(?P<kind>images|mask|HRF_AV_GT)/(?P<id>\d\d_(?:dr|g|h))(?:_mask|_AVmanual)?(?P<ending>\.\w+)",
        {"images": "images", "mask": "fov", "HRF_AV_GT": "artery_vein"},
    ),
    describe=lambda identifier: (identifier, "train" if identifier[:2] <= "08" else "test"),  # one photograph a patient
)
