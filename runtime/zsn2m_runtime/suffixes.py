"""File suffixes of images and of videos; no library is loaded to know them."""

_IMAGES = """
    .png .jpg .jpeg .webp .bmp .tif .tiff .npy .pgm .ppm .pnm .pam .pfm .avif .heic .heif .hif .exr .gif
"""
ZARR = ".zarr"  # a folder: OME-Zarr
# Containers that FFmpeg reads and that cameras, phones, editors and broadcasters write.
_VIDEOS = """
    .3g2 .3gp .asf .avi .dv .f4v .flv .h264 .h265 .hevc .ivf .m2t .m2ts .m2v .m4v .mj2 .mjpeg .mjpg .mkv .mov .mp4 .mpeg
    .mpg .mts .mxf .nut .obu .ogm .ogv .qt .rm .rmvb .ts .vob .webm .wmv .y4m
"""
DNG = ".dng"
# Cameras whose RAW files hold Bayer mosaics that LibRaw reads; it refuses those of other sensors.
_RAWS = """
    .dng .3fr .arw .cr2 .cr3 .crw .dcr .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .rw2 .rwl .sr2 .srf
    .srw
"""
RAW_SUFFIXES = tuple(_RAWS.split())
IMAGE_SUFFIXES = (*_IMAGES.split(), ZARR, *RAW_SUFFIXES)
VIDEO_SUFFIXES = frozenset(_VIDEOS.split())
