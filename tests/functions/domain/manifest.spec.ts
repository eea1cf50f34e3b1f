import { expect } from "chai";
import fc from "fast-check";
import { listedName, parseManifest, requiredOutputs, verifyEntry } from "../../../functions/domain/manifest";

const a = "a".repeat(64);
const b = "b".repeat(64);
const whole = requiredOutputs.map((name) => `${a}  ${name}\n`).join("");

describe("manifest", () => {
    it("reads what sha256sum writes, in text and binary mode", () => {
        const { entries, problems } = parseManifest(`${whole}${b} *extra.bin\r\n`);
        expect(problems).to.deep.equal([]);
        expect(entries).to.have.length(requiredOutputs.length + 1);
        expect(entries.at(-1)).to.deep.equal({ name: "extra.bin", sha256: b });
    });

    it("names every required output that is not listed", () => {
        expect(parseManifest("").problems).to.deep.equal(requiredOutputs.map((name) => `The manifest does not list ${name}.`));
    });

    for (const name of ["../../i-other/analysis/bodyfile", "/etc/passwd", "a/b", ".hidden", "", "name with space", "x".repeat(200)]) {
        it(`does not follow the name ${JSON.stringify(name.slice(0, 40))}`, () => {
            const { entries, problems } = parseManifest(`${whole}${a}  ${name}\n`);
            expect(entries).to.have.length(requiredOutputs.length);
            expect(problems).to.deep.equal(["1 line of the manifest could not be understood."]);
        });
    }

    it("takes the manifest of an analysis that wrote its large outputs unpacked", () => {
        const before = whole.replaceAll(".gz", "");
        const { entries, problems } = parseManifest(before);
        expect(problems).to.deep.equal([]);
        expect(listedName(new Set(entries.map(({ name }) => name)), "timesketch.jsonl.gz")).to.equal("timesketch.jsonl");
        expect(listedName(new Set(["bodyfile", "bodyfile.gz"]), "bodyfile.gz")).to.equal("bodyfile.gz");
    });

    it("refuses two hashes for one name", () => {
        expect(parseManifest(`${whole}${b}  bodyfile.gz\n`).problems).to.deep.equal([
            "The manifest lists bodyfile.gz twice with different hashes.",
        ]);
    });

    it("never throws and never lists what is no plain file name", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
                for (const { name, sha256 } of parseManifest(`${a}  ${text}\n${text}`).entries) {
                    expect(name).to.match(/^[A-Za-z0-9][\w.-]*$/);
                    expect(sha256).to.have.length(64);
                }
            }),
        );
    });

    it("tells match, altered, missing and unreadable apart", () => {
        const entry = { name: "bodyfile.gz", sha256: a };
        expect(verifyEntry(entry, { sha256: a, bytes: 5 })).to.deep.include({
            state: "match",
            problem: null,
            found: { sha256: a, bytes: 5 },
        });
        expect(verifyEntry(entry, { sha256: b, bytes: 5 })).to.deep.include({ state: "altered", found: { sha256: b, bytes: 5 } });
        expect(verifyEntry(entry, null)).to.include({ state: "missing", found: null });
        const unreadable = verifyEntry(entry, { error: "AccessDenied" });
        expect(unreadable.state).to.equal("unreadable");
        expect(unreadable.problem).to.contain("bodyfile").and.contain("AccessDenied");
    });
});
