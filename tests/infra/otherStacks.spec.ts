import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { parseSettings, type Settings } from "../../infra/config";
import { targetsOf } from "../../infra/memberStackSet";
import { requireDisjoint, sharedBetween } from "../../infra/otherStacks";
import { requireOwn } from "../../infra/stackMarker";
import { stackSettings } from "../../tools/coverage/stackSettings";

const dev = { forensics: { accountId: "111111111111" }, regions: ["eu-west-1"], members: [{ accountId: "222222222222" }] };
const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };
const shared = (one: object, other: object): string[] => sharedBetween(parseSettings(one), parseSettings(other));

describe("stacks of one project", () => {
    it("are disjoint as they are shipped", () => expect(sharedBetween(stackSettings("dev"), stackSettings("prod"))).to.deep.equal([]));

    it("may share an account in other Regions, but no account and Region, no member, no unit", () => {
        const there = { ...dev, regions: ["us-east-1"], members: [{ accountId: "333333333333" }] };
        expect(shared(dev, there)).to.deep.equal([]);
        expect(shared(dev, { ...there, regions: ["us-east-1", "eu-west-1"] })).to.deep.equal(["account 111111111111 in eu-west-1"]);
        // Its evidence would lie in the account that the other stack protects.
        expect(shared(dev, { ...there, regions: ["eu-west-1"], forensics: { accountId: "222222222222" } })).to.deep.equal([
            "account 222222222222 in eu-west-1",
        ]);
        expect(shared(dev, { ...dev, regions: ["us-east-1"] })).to.deep.equal([
            "member account 222222222222, whose responder role is one for all Regions",
        ]);
        const [one, other] = [
            { ...dev, members: [], organization },
            { ...there, members: [], organization },
        ];
        expect(shared(one, other)).to.deep.equal(["unit ou-a1b2-c3d4e5f6"]);
        expect(shared(one, { ...other, organization: { ...organization, organizationalUnitIds: ["r-a1b2"] } })).to.deep.equal([
            "the whole organisation, whose root one of them names",
        ]);
    });

    it("are refused where they are not, by the files: both are named, and what they share", () => {
        const folder = mkdtempSync(path.join(tmpdir(), "stacks-"));
        const write = (name: string, settings: unknown) =>
            writeFileSync(
                path.join(folder, `Pulumi.${name}.yaml`),
                JSON.stringify({ config: { "ec2-clean-room-forensics:settings": settings } }),
            );
        const parse = (value: unknown): Settings => parseSettings(value);
        try {
            write("dev", dev);
            write("prod", { ...dev, members: [{ accountId: "333333333333" }] });
            write("broken", { regions: "none" });
            expect(() => requireDisjoint("dev", folder, parse)).to.throw(
                'The stacks "dev" and "prod" share account 111111111111 in eu-west-1. Names are fixed',
            );
            // One without a file of its own, such as of a test, is compared with nobody.
            requireDisjoint("other", folder, parse);
            write("prod", { ...dev, forensics: { accountId: "444444444444" }, members: [{ accountId: "333333333333" }] });
            requireDisjoint("dev", folder, parse);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    it("are refused at deployment where another clone's or backend's stack is there, which is named", () => {
        expect(requireOwn([], "acme/clean-room/dev", "account 111111111111, eu-west-1")).to.equal("acme/clean-room/dev");
        expect(requireOwn(["acme/clean-room/dev"], "acme/clean-room/dev", "here")).to.equal("acme/clean-room/dev");
        expect(requireOwn(undefined, "acme/clean-room/dev", "here")).to.equal("acme/clean-room/dev");
        expect(() => requireOwn(["other/clean-room/prod"], "acme/clean-room/dev", "account 111111111111, eu-west-1")).to.throw(
            "The stack other/clean-room/prod is deployed in account 111111111111, eu-west-1 already",
        );
    });
});

describe("accounts of units with Regions of their own", () => {
    const regions = ["eu-west-1", "us-east-1", "us-west-2"];

    it("get stacks in those alone, and all others everywhere", () => {
        expect(targetsOf({}, ["111111111111"], regions)).to.deep.equal([
            { suffix: "", accounts: ["111111111111"], filter: "DIFFERENCE", regions },
        ]);
        expect(
            targetsOf(
                { "333333333333": ["us-east-1", "eu-west-1"], "222222222222": ["eu-west-1"], "444444444444": ["eu-west-1", "us-east-1"] },
                ["111111111111"],
                regions,
            ),
        ).to.deep.equal([
            { suffix: "", accounts: ["111111111111", "222222222222", "333333333333", "444444444444"], filter: "DIFFERENCE", regions },
            { suffix: "-eu-west-1", accounts: ["222222222222"], filter: "INTERSECTION", regions: ["eu-west-1"] },
            {
                suffix: "-eu-west-1-us-east-1",
                accounts: ["333333333333", "444444444444"],
                filter: "INTERSECTION",
                regions: ["eu-west-1", "us-east-1"],
            },
        ]);
    });

    it("are refused without the home Region, in a Region that is not the stack's, and beside another word about the account", () => {
        const refused = (accountRegions: object, words: string, more: object = {}) =>
            expect(() => parseSettings({ ...dev, regions, organization: { ...organization, accountRegions, ...more } })).to.throw(words);
        refused({ "333333333333": ["us-east-1"] }, "the home Region eu-west-1 is missing");
        refused({ "333333333333": ["eu-west-1", "eu-west-2"] }, "the Region is not in regions");
        refused({ "222222222222": ["eu-west-1"] }, "stands in members");
        refused({ "333333333333": ["eu-west-1"] }, "stands in excludeAccounts", { excludeAccounts: ["333333333333"] });
        parseSettings({ ...dev, regions, organization: { ...organization, accountRegions: { "333333333333": ["eu-west-1"] } } });
    });

    it("have an administrator of GuardDuty that is another account, whose detectors are there already", () => {
        const administrator = { accountId: "444444444444", readRoleArn: "arn:aws:iam::444444444444:role/read" };
        const given = (coverage: object, more: object = {}) =>
            parseSettings({ ...dev, organization: { ...organization, ...more }, coverage });
        given({ mode: "existing", administrator });
        expect(() => given({ administrator })).to.throw("set coverage.mode to existing");
        expect(() => given({ mode: "existing", administrator: { accountId: "111111111111" } })).to.throw("leave the administrator out");
        expect(() => given({ mode: "existing", administrator: { ...administrator, accountId: "555555555555" } })).to.throw(
            "the role is of account 444444444444",
        );
    });
});
