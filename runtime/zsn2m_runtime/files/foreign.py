"""Formats that are not read: for each, the package and the call that convert it to TIFF, PNG or NPY."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.errors import InputError

_SLIDE = (".svs", ".ndpi", ".scn", ".mrxs", ".vms")
_CODED = (".jp2", ".j2k", ".jpx", ".jxl", ".jxr")
_IMARIS = "DataSet/ResolutionLevel 0/TimePoint 0/Channel 0/Data"
_REGION = "read_region((0, 0), 0, (4096, 4096))"
_STACK = "tifffile.imwrite(OUT, {}, photometric='minisblack')"

# What to install, and Python that makes OUT; IN is the file's own name.
_WAYS: dict[tuple[str, ...], tuple[str, str, str]] = {
    (".czi",): ("aicspylibczi", ".tif", _STACK.format("aicspylibczi.CziFile(IN).read_image()[0].squeeze()")),
    (".nd2",): ("nd2", ".tif", _STACK.format("nd2.imread(IN)")),
    (".lif",): ("readlif", ".tif", "readlif.reader.LifFile(IN).get_image(0).get_frame(z=0, t=0, c=0).save(OUT)"),
    (".oib", ".oif"): ("oiffile", ".tif", _STACK.format("oiffile.imread(IN)")),
    (".ims",): ("h5py", ".tif", _STACK.format(f"h5py.File(IN)['{_IMARIS}'][:]")),
    (".lsm", ".stk"): ("tifffile", ".tif", _STACK.format("tifffile.imread(IN)")),
    (".dcm", ".dicom"): ("pydicom", ".tif", _STACK.format("pydicom.dcmread(IN).pixel_array")),
    (".mrc", ".mrcs", ".rec", ".st"): ("mrcfile", ".tif", _STACK.format("mrcfile.read(IN)")),
    (".n5",): ("'zarr<3'", ".tif", _STACK.format("zarr.open(IN, mode='r')[NAME][:]")),
    (".fits", ".fit", ".fts"): ("astropy", ".npy", "numpy.save(OUT, astropy.io.fits.getdata(IN))"),
    _SLIDE: ("openslide-python openslide-bin", ".png", f"openslide.OpenSlide(IN).{_REGION}.convert('RGB').save(OUT)"),
    (".x3f",): ("rawpy", ".tif", "tifffile.imwrite(OUT, rawpy.imread(IN).postprocess(output_bps=16))"),
    (".raw", ".bin"): ("numpy", ".npy", "numpy.save(OUT, numpy.fromfile(IN, 'uint16').reshape(HEIGHT, WIDTH))"),
    (".nii",): ("nibabel", ".npy", "numpy.save(OUT, nibabel.load(IN).get_fdata()[..., SLICE])"),
    (".nrrd",): ("pynrrd", ".npy", "numpy.save(OUT, nrrd.read(IN)[0][..., SLICE])"),
    (".tga", ".psd", ".pcx", ".pbm"): ("pillow", ".png", "PIL.Image.open(IN).convert('RGB').save(OUT)"),
    (".hdr", ".pic"): ("opencv-python-headless", ".pfm", "cv2.imwrite(OUT, cv2.imread(IN, cv2.IMREAD_UNCHANGED))"),
    (".mat",): ("scipy", ".npy", "numpy.save(OUT, scipy.io.loadmat(IN)[NAME])"),
    (".h5", ".hdf5", ".hdf"): ("h5py", ".npy", "numpy.save(OUT, h5py.File(IN)[NAME][:])"),
    (".npz",): ("numpy", ".npy", "numpy.save(OUT, numpy.load(IN)[NAME])"),
    _CODED: ("imagecodecs", ".tif", "tifffile.imwrite(OUT, imagecodecs.imread(IN))"),
}  # fmt: skip
FOREIGN_SUFFIXES = tuple(suffix for suffixes in _WAYS for suffix in suffixes)


def refuse_foreign(path: Path) -> None:
    """Refuse a file or folder of a format that another library reads.

    Raises:
        InputError: saying which library, and the call that converts.
    """
    suffix = path.suffix.lower()
    for suffixes, (packages, target, call) in _WAYS.items():
        if suffix in suffixes:
            way = call.replace("IN)", f"'{path.name}')").replace("IN,", f"'{path.name}',")
            way = way.replace("OUT", f"'{path.stem}{target}'")
            raise InputError(
                f"{path}: expected an image file, but got {suffix}, which is not read here; convert it "
                f"(pip install {packages}): {way}"
            )
