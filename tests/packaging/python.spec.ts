/** Finding a Python and keeping environments inside the clone. */
import { expect } from "chai";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureVenv, findPython } from "../../packaging/python";

const root = path.resolve(__dirname, "../..");

describe("python", function () {
    this.timeout(120_000);
    const before = { ...process.env };
    const folder = mkdtempSync(path.join(tmpdir(), "python-spec-"));
    const name = `spec-${process.pid}`;
    after(() => {
        rmSync(folder, { recursive: true, force: true });
        for (const each of ["", ".lock"]) rmSync(path.join(root, ".venv", name + each), { recursive: true, force: true });
    });
    afterEach(() => {
        process.env = { ...before };
    });

    it("finds one that is new enough, whatever $PYTHON says", async () => {
        process.env.PYTHON = path.join(folder, "no-such-python");
        const { path: found, version } = await findPython();
        expect(Number(version.split(".")[1])).to.be.at.least(12);
        expect(
            execFileSync(found, ["-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"], { encoding: "utf8" }).trim(),
        ).to.equal(version);
    });

    it("says what it tried when there is none", async () => {
        const old = path.join(folder, "python3");
        writeFileSync(old, "#!/bin/sh\necho /old/python3\necho 3.9.2\n", { mode: 0o755 });
        Object.assign(process.env, { PYTHON: "", PATH: folder, PYENV_ROOT: folder });
        const error = await findPython().then(
            () => new Error("found"),
            (reason: Error) => reason,
        );
        expect(error.message).to.contain("set $PYTHON").and.to.contain("python3.13: not found").and.to.contain("python3: Python 3.9.2");
    });

    it("makes an environment once, also when several ask at once, and again when the lock file changes, which it names when pip refuses it", async () => {
        const lockFile = path.join(folder, "requirements.lock");
        writeFileSync(lockFile, "# nothing\n");
        const lines: string[] = [];
        const ensure = () => ensureVenv({ name, lockFile, log: (line) => lines.push(line) });
        const [one, other] = await Promise.all([ensure(), ensure()]);
        expect(one).to.deep.equal(other);
        expect(execFileSync(one.python, ["-c", "import sys; print(sys.prefix)"], { encoding: "utf8" }).trim()).to.equal(
            path.dirname(one.bin),
        );
        expect(lines.length).to.equal(1);
        const made = statSync(one.bin).ctimeMs;
        await ensure();
        expect(statSync(one.bin).ctimeMs).to.equal(made);
        writeFileSync(lockFile, "setuptools==1.0\n");
        const error = await ensure().then(
            () => new Error("installed"),
            (reason: Error) => reason,
        );
        expect(error.message).to.contain("requirements.lock").and.to.match(/hash/i);
        expect(lines.length).to.equal(2);
    });
});
