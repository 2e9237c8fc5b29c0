"""Large files are read in bounded memory: a process of its own tells its peak."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import re, sys
from pathlib import Path
from pgvista.io.mapping import guess_mapping, map_records
from pgvista.io.readers import open_source
from pgvista.model.rows import Row

def peak_mb():
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024

before = peak_mb()
source = open_source(sys.argv[1])
mapping = guess_mapping(source.columns, source.preview())
rows = sum(isinstance(row, Row) for row in map_records(source.records(), mapping))
print(rows, peak_mb() - before)
"""
ROWS = 60_000
WORDS = "vector index recall query distance neighbour table schema plan buffer " * 17


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells VmHWM")
@pytest.mark.parametrize("name", ["big.jsonl", "big.json", "big.csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("w") as out:
        if name == "big.csv":
            out.write("id,text\n")
            out.writelines(f'{number},"{WORDS}"\n' for number in range(ROWS))
        else:
            lists = name == "big.json"
            out.write("[\n" if lists else "")
            for number in range(ROWS):
                comma = "," if lists and number < ROWS - 1 else ""
                out.write(json.dumps({"id": number, "text": WORDS}) + comma + "\n")
            out.write("]\n" if lists else "")
    assert path.stat().st_size > 70_000_000
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    rows, extra_mb = done.stdout.split()
    assert int(rows) == ROWS
    assert float(extra_mb) < 20
