"""Tests of compare.py with contestants of a few lines; no PyTorch needed:  python3 -m unittest discover bench"""

import contextlib
import io
import json
import os
import pathlib
import stat
import sys
import tempfile
import unittest

import compare

FAKE = """#!{python}
import json, sys
mode = sys.argv[sys.argv.index("--mode") + 1] if "--mode" in sys.argv else "flexlab"
if sys.argv[1:2] == ["version"] or sys.argv[1:2] == ["-c"]:
    print("fake 1"); sys.exit(0)
if mode in {broken!r}:
    print("first words", file=sys.stderr); print("no compiler here", file=sys.stderr); sys.exit(1)
if mode in {silent!r}:
    print("hello"); sys.exit(0)
seconds = {{"flexlab": 1.0, "eager": 3.0, "channels_last": 4.0, "compile": 5.0}}[mode]
mib = {{"flexlab": 100, "eager": 500, "channels_last": 300, "compile": 400}}[mode]
print(json.dumps({{"seconds": [seconds], "peak_mib": mib}}))
"""


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def fake(self, broken=(), silent=()):
        path = self.path("fake")
        pathlib.Path(path).write_text(FAKE.format(python=sys.executable, broken=list(broken), silent=list(silent)))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def run_main(self, *words, **kinds):
        out, err = io.StringIO(), io.StringIO()
        fake = self.fake(**kinds)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = compare.main(["--program", fake, "--python", fake, "--alternations", "2", *words])
            except SystemExit as e:
                code = e.code
        return code, out.getvalue(), err.getvalue()

    def test_ratios_are_against_the_best_mode_of_each_number(self):
        code, out, err = self.run_main("--works", "train", "--out", self.path("peer"))
        self.assertEqual(code, 0, err)
        self.assertIn("3.00 (3.00 to 3.00) of eager", out)
        self.assertIn("0.33 (0.33 to 0.33) of channels_last", out)
        self.assertEqual(pathlib.Path(self.path("peer.md")).read_text(), out)
        case = json.loads(pathlib.Path(self.path("peer.json")).read_text())["cases"][0]
        self.assertEqual(case["best"], {"seconds": "eager", "peak_mib": "channels_last"})
        self.assertEqual([len(ms) for ms in case["measurements"].values()], [2, 2, 2, 2])
        self.assertEqual(os.listdir(self.folder.name).count("peer.md.tmp"), 0)

    def test_every_size_batch_and_work_is_a_case(self):
        code, out, _ = self.run_main("--sizes", "64,128", "--batches", "1,8", "--modes", "eager")
        self.assertEqual(code, 0)
        self.assertEqual(out.count("### "), 8)

    def test_a_mode_that_fails_is_left_out_and_said_so(self):
        code, out, _ = self.run_main("--works", "sample", broken=["compile"])
        self.assertEqual(code, 0)
        self.assertRegex(out, r"\| compile \| does not work here: .*no compiler here")

    def test_no_comparison_without_flexlab_or_without_any_mode(self):
        code, _, err = self.run_main(broken=["flexlab"])
        self.assertEqual((code, err.count("no compiler here")), (1, 1))
        code, _, err = self.run_main("--modes", "eager", silent=["eager"])
        self.assertEqual(code, 1)
        self.assertIn("printed no measurement but: hello", err)

    def test_wrong_uses(self):
        for words, part in ((["--sizes", "64,x"], "wants whole numbers"), (["--sizes", "0"], "wants whole numbers"),
                            (["--modes", "eeger"], "wants some of"), (["--alternations", "0"], "at least 1"),
                            (["--program", "/nowhere"], "build it with")):
            code, _, err = self.run_main(*words)
            self.assertEqual(code, 2, words)
            self.assertIn(part, err)

    def test_spread_and_others(self):
        self.assertEqual(compare.spread([3, 1, 2]), {"median": 2, "least": 1, "largest": 3})
        self.assertIn("cores busy", compare.beside({"others": 0.5}))
        self.assertEqual(compare.beside({"others": None}), "")


if __name__ == "__main__":
    unittest.main()
