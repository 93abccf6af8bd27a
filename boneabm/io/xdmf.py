"""Sidecar `run.xmf`: lets ParaView 5.12 and older read the volume file, which they cannot as temporal VTKHDF."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from boneabm.io import hdf
from boneabm.io.schema import VOLUME_FIELDS
from boneabm.io.volumes import VolumeReader

NUMBER_TYPES = {"f": "Float", "i": "Int", "u": "UChar"}


def write_xdmf(path: Path | str, volumes: Path | str) -> None:
    """Describe every snapshot of a volume file (in the same folder) as XDMF; replaces the sidecar in one step."""
    path, reader = Path(path), VolumeReader(volumes)
    grids = "".join(_grid(reader, step) for step in range(len(reader.days)))
    text = (
        '<?xml version="1.0"?>\n<Xdmf Version="3.0">\n <Domain>\n'
        '  <Grid Name="run" GridType="Collection" CollectionType="Temporal">\n'
        f"{grids}  </Grid>\n </Domain>\n</Xdmf>\n"
    )
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    hdf.rename_into_place(temporary, path)


def _grid(reader: VolumeReader, step: int) -> str:
    corners = " ".join(str(length + 1) for length in reader.shape)
    spacing = " ".join([repr(reader.spacing_um)] * 3)
    fields = "".join(_field(reader, name, int(reader.offsets[name][step])) for name in reader.fields)
    return (
        f'   <Grid Name="day {reader.days[step]}">\n    <Time Value="{reader.days[step]}"/>\n'
        f'    <Topology TopologyType="3DCoRectMesh" Dimensions="{corners}"/>\n'
        '    <Geometry GeometryType="ORIGIN_DXDYDZ">\n'
        '     <DataItem Dimensions="3" Format="XML">0 0 0</DataItem>\n'
        f'     <DataItem Dimensions="3" Format="XML">{spacing}</DataItem>\n'
        f"    </Geometry>\n{fields}   </Grid>\n"
    )


def _field(reader: VolumeReader, name: str, offset: int) -> str:
    size = " ".join(str(length) for length in reader.shape)
    stored = int(reader.offsets[name].max()) + 1
    dtype = VOLUME_FIELDS[name].dtype
    kind = f'NumberType="{NUMBER_TYPES[dtype[0]]}" Precision="{1 if dtype == "uint8" else 4}"'
    source = quoteattr(f"{reader.path.name}:/VTKHDF/CellData/{name}")[1:-1]
    return (
        f'    <Attribute Name="{name}" AttributeType="Scalar" Center="Cell">\n'
        f'     <DataItem ItemType="HyperSlab" Dimensions="{size}">\n'
        f'      <DataItem Dimensions="3 4" Format="XML">{offset} 0 0 0  1 1 1 1  1 {size}</DataItem>\n'
        f'      <DataItem Dimensions="{stored} {size}" {kind} Format="HDF">{source}</DataItem>\n'
        "     </DataItem>\n    </Attribute>\n"
    )
