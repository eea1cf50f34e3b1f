/** What the standards' own libraries say of what the report leaves for other tools: OASIS' stix2 with its pattern grammar, and the OCSF models. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { ocsfFinding } from "../../functions/domain/report/ocsf";
import { read } from "../../functions/domain/report/reading";
import { stixBundle } from "../../functions/domain/report/stix";
import { ensureVenv } from "../../packaging/python";
import * as hostile from "../fixtures/analysis/hostile";
import { reportInput } from "../fixtures/analysis/input";
import * as plain from "../fixtures/analysis/plain";

const program = `
import json, sys
import stix2
from stix2patterns.validator import validate
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
said = []
for each in json.load(sys.stdin):
    bundle = stix2.parse(each["stix"], allow_custom=False, version="2.1")
    for one in bundle.objects:
        if one.type == "indicator":
            assert validate(one.pattern, stix_version="2.1"), one.pattern
    event = DetectionFinding.model_validate(each["ocsf"])
    said.append({"types": [one.type for one in bundle.objects], "class": event.class_uid, "type": event.type_uid, "severity": event.severity_id})
print(json.dumps(said))
`;

const inputs = [
    reportInput(),
    reportInput({ summary: null, findings: null, timesketch: null }),
    reportInput({
        custody: hostile.custody,
        summary: hostile.summary,
        findings: plain.lines(hostile.findings),
        timesketch: plain.lines(hostile.timesketch),
    }),
];
const made = inputs.map((input) => ({ stix: stixBundle(input, read(input)), ocsf: ocsfFinding(input, read(input)) }));

describe("what the report leaves for other tools", function () {
    // Setting up the environment takes a while, once.
    this.timeout(300_000);

    it("is STIX 2.1 and an OCSF Detection Finding to the standards' own libraries, whatever is on the disk", async () => {
        const { python } = await ensureVenv({ name: "standards", lockFile: path.join(__dirname, "standards.requirements.lock") });
        const running = promisify(execFile)(python, ["-c", program], { maxBuffer: 64 * 1024 * 1024 });
        running.child.stdin!.end(JSON.stringify(made));
        const said = JSON.parse((await running).stdout) as { types: string[]; class: number; type: number; severity: number }[];
        expect(said.map((each) => [each.class, each.type])).to.deep.equal(inputs.map(() => [2004, 200401]));
        expect(said[0]!.types.filter((type) => type === "indicator").length).to.be.above(5);
        expect(said.map(({ severity }) => severity)).to.deep.equal([5, 1, 5]);
    });

    it("is the same bundle for the same report, and names nothing of our own", () => {
        expect(stixBundle(inputs[0]!, read(inputs[0]!))).to.deep.equal(made[0]!.stix);
        const own = read(inputs[0]!, ["203.0.113.0/24"]);
        expect(JSON.stringify(stixBundle(inputs[0]!, own))).to.not.contain("value = '203.0.113.44'");
        expect(JSON.stringify(made[0]!.stix)).to.contain("value = '203.0.113.44'");
    });
});
