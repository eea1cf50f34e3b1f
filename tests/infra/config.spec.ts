import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { partitionOf, parseSettings } from "../../infra/config";

const valid = {
    forensics: { accountId: "111111111111" },
    regions: ["eu-west-1"],
    members: [{ accountId: "222222222222" }],
};

describe("parseSettings", () => {
    it("fills in every default", () => {
        const settings = parseSettings(valid);
        expect(settings.evidence).to.deep.equal({ retentionDays: 365, lockMode: "governance" });
        expect(settings.members[0]!.forwardFindings).to.equal(true);
    });

    it("names every problem at once: the key, the value and what is allowed", () => {
        const wrong = { ...valid, forensics: { accountId: "11" }, regions: ["europe"], evidence: { retentionDays: 0, lockMode: "forever" } };
        expect(() => parseSettings(wrong)).to.throw(/4 problems/)
            .with.property("message").that.matches(/settings\.forensics\.accountId = "11": an AWS account id has 12 digits/)
            .and.matches(/settings\.regions\.0 = "europe": an AWS Region looks like eu-west-1/)
            .and.matches(/settings\.evidence\.retentionDays = 0/)
            .and.matches(/settings\.evidence\.lockMode = "forever": .*governance.*compliance/);
    });

    const refused: [string, object, RegExp][] = [
        ["a member that is the forensics account", { members: [{ accountId: "111111111111" }] }, /is the forensics account/],
        ["a member that stands twice", { members: [{ accountId: "222222222222" }, { accountId: "222222222222" }] }, /stands here twice/],
        ["a Region that stands twice", { regions: ["eu-west-1", "eu-west-1"] }, /stands here twice/],
        ["Regions of two partitions", { regions: ["eu-west-1", "cn-north-1"] }, /another partition/],
        ["isolation VPCs in a Region that is not configured", { members: [{ accountId: "222222222222", isolationVpcs: { "us-east-1": ["vpc-0a"] } }] }, /not in regions/],
        ["a key that does not exist", { colour: "red" }, /colour/],
        ["no member", { members: [] }, /settings\.members/],
    ];
    for (const [what, change, message] of refused) {
        it(`refuses ${what}`, () => expect(() => parseSettings({ ...valid, ...change })).to.throw(message));
    }

    for (const stack of ["dev", "prod"]) {
        it(`accepts Pulumi.${stack}.yaml`, () => {
            // Pulumi's own dependency; the file is read as Pulumi reads it.
            const yaml = require("js-yaml") as { load(text: string): { config: Record<string, unknown> } };
            const text = readFileSync(path.resolve(__dirname, `../../Pulumi.${stack}.yaml`), "utf8");
            const settings = parseSettings(yaml.load(text).config["ec2-clean-room-forensics:settings"]);
            expect(settings.regions.length).to.be.greaterThan(0);
        });
    }
});

describe("partitionOf", () => {
    it("knows the three public partitions", () => {
        expect(["eu-west-1", "cn-north-1", "us-gov-east-1"].map(partitionOf)).to.deep.equal(["aws", "aws-cn", "aws-us-gov"]);
    });
});
