import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { architectureOf, architectures, defaultInstanceType } from "../../infra/processor";
import { knownRegions, needsOptIn, partitionOf } from "../../infra/awsRegions";
import { parseSettings, type Settings } from "../../infra/config";
import { admittedAccounts, coverageMode, forwardsFindings, ofOrganization, protectedPairs } from "../../infra/estate";

const valid = {
    forensics: { accountId: "111111111111" },
    regions: ["eu-west-1"],
    members: [{ accountId: "222222222222" }],
};

describe("parseSettings", () => {
    it("fills in every default", () => {
        const settings = parseSettings(valid);
        expect(settings.evidence).to.deep.equal({
            retentionDays: 365,
            lockMode: "governance",
            custodianRoleName: "clean-room-evidence-custodian",
            protect: true,
            volumeKeyAccounts: [],
            hashTwice: false,
        });
        expect(coverageMode(settings)).to.equal("standalone");
        expect(forwardsFindings(settings, settings.members[0])).to.equal(true);
    });

    it("names every problem at once: the key, the value and what is allowed", () => {
        const wrong = {
            ...valid,
            forensics: { accountId: "11" },
            regions: ["europe"],
            evidence: { retentionDays: 0, lockMode: "forever" },
        };
        expect(() => parseSettings(wrong))
            .to.throw(/4 problems/)
            .with.property("message")
            .that.matches(/settings\.forensics\.accountId = "11": an AWS account id has 12 digits/)
            .and.matches(/settings\.regions\.0 = "europe": an AWS Region looks like eu-west-1/)
            .and.matches(/settings\.evidence\.retentionDays = 0/)
            .and.matches(/settings\.evidence\.lockMode = "forever": .*governance.*compliance/);
    });

    it("names what a wrong shape and what a wrong combination hides behind it at once", () => {
        const wrong = {
            forensics: { accountId: "111111111111" },
            regions: ["eu-west-1", "eu-west-9", "eu-west-1"],
            members: [
                { accountId: "111111111111" },
                { accountId: "2222" },
                { accountId: "333333333333", deployRoleArn: "arn:aws:iam::444444444444:role/deploy" },
            ],
            coverage: { mode: "everywhere" },
        };
        expect(() => parseSettings(wrong))
            .to.throw(/6 problems/)
            .with.property("message")
            .that.matches(/settings\.regions\.1 = "eu-west-9": AWS has no Region of this name \(there are .*eu-west-1/)
            .and.matches(/settings\.regions\.2 = "eu-west-1": eu-west-1 stands here twice/)
            .and.matches(/settings\.members\.0\.accountId = "111111111111": .*is the forensics account/)
            .and.matches(/settings\.members\.1\.accountId = "2222": an AWS account id has 12 digits/)
            .and.matches(/settings\.members\.2\.deployRoleArn = .*: the role is of account 444444444444, not of 333333333333/)
            .and.matches(/settings\.coverage\.mode = "everywhere": .*organization.*standalone.*existing/);
    });

    it("refuses AWS Security Incident Response where it is not, and takes a Region for its cases", () => {
        const support = { enabled: true, kind: "security-incident-response" };
        expect(parseSettings({ ...valid, support: { ...support, region: "eu-central-1" } }).support.region).to.equal("eu-central-1");
        expect(() => parseSettings({ ...valid, regions: ["us-gov-west-1"], homeRegion: "us-gov-west-1", support })).to.throw(
            /support\.kind = .*partition aws alone/,
        );
    });

    for (const nothing of [undefined, null, "text", []]) {
        it(`refuses ${JSON.stringify(nothing)} as a configuration`, () => expect(() => parseSettings(nothing)).to.throw(/problem/));
    }

    it("knows a home Region, and takes the others in whatever order", () => {
        const read = (change: object) => parseSettings({ ...valid, ...change });
        const regions = ["us-west-2", "eu-west-1", "ap-south-1"];
        const home = { homeRegion: "eu-west-1" };
        expect(read({ ...home, regions }).regions).to.deep.equal(["eu-west-1", "ap-south-1", "us-west-2"]);
        expect(read({ ...home, regions: [...regions].reverse() })).to.deep.equal(read({ ...home, regions }));
        const members = (order: string[]) => [{ accountId: "222222222222", regions: order }];
        expect(read({ ...home, regions, members: members(["us-west-2", "ap-south-1"]) })).to.deep.equal(
            read({ ...home, regions, members: members(["ap-south-1", "us-west-2"]) }),
        );
        expect(read({ regions }).homeRegion).to.equal("us-west-2");
    });

    const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };
    const refused: [string, object, RegExp][] = [
        ["a member that is the forensics account", { members: [{ accountId: "111111111111" }] }, /is the forensics account/],
        ["a member that stands twice", { members: [{ accountId: "222222222222" }, { accountId: "222222222222" }] }, /stands here twice/],
        ["a Region that stands twice", { regions: ["eu-west-1", "eu-west-1"] }, /stands here twice/],
        [
            "a member's Region that stands twice",
            { members: [{ accountId: "222222222222", regions: ["eu-west-1", "eu-west-1"] }] },
            /settings\.members\.0\.regions\.1 = "eu-west-1": eu-west-1 stands here twice/,
        ],
        [
            "a VPC that stands twice",
            { members: [{ accountId: "222222222222", isolationVpcs: { "eu-west-1": ["vpc-0a", "vpc-0b", "vpc-0a"] } }] },
            /isolationVpcs\.eu-west-1\.2 = "vpc-0a": vpc-0a stands here twice/,
        ],
        [
            "an account that is left out and listed",
            { members: [{ accountId: "222222222222" }], organization: { ...organization, excludeAccounts: ["222222222222"] } },
            /organization\.excludeAccounts\.0 = "222222222222": 222222222222 stands in members, where it is protected/,
        ],
        [
            "the forensics account left out of the units",
            { members: [], organization: { ...organization, excludeAccounts: ["111111111111"] } },
            /excludeAccounts\.0 = .* is the forensics account, which is never protected/,
        ],
        [
            "a unit that stands twice",
            { organization: { ...organization, organizationalUnitIds: ["ou-a1b2-c3d4e5f6", "ou-a1b2-c3d4e5f6"] } },
            /organizationalUnitIds\.1 = .* stands here twice/,
        ],
        [
            "a feature that stands twice",
            { coverage: { features: ["RUNTIME_MONITORING", "RUNTIME_MONITORING"] } },
            /features\.1 = .* stands here twice/,
        ],
        [
            "isolation VPCs in a Region where the account is not protected",
            {
                regions: ["eu-west-1", "us-east-1"],
                members: [{ accountId: "222222222222", regions: ["eu-west-1"], isolationVpcs: { "us-east-1": ["vpc-0a"] } }],
            },
            /isolationVpcs\.us-east-1 = .*: the account is not protected in this Region \(eu-west-1\)/,
        ],
        [
            "a management account as delegated administrator of StackSets",
            { organization: { ...organization, management: { accountId: "111111111111" } } },
            /settings\.organization\.stackSetsAs = \(not set\): .*use SELF/,
        ],
        [
            "an account as itself that is not the management account",
            { organization: { ...organization, stackSetsAs: "SELF", management: { accountId: "999999999999" } } },
            /settings\.organization\.stackSetsAs = "SELF": only the management account 999999999999/,
        ],
        [
            "a whole organisation whose management account would have no responder role",
            { organization: { ...organization, organizationalUnitIds: ["r-a1b2"], management: { accountId: "999999999999" } } },
            /organizationalUnitIds\.0 = "r-a1b2": .*management account 999999999999, which would have findings and no responder role/,
        ],
        [
            "security groups of the building instance without their VPC",
            { imagePipeline: { securityGroupIds: ["sg-0a"] } },
            /settings\.imagePipeline\.subnetId = \(not set\): security groups belong to a VPC/,
        ],
        [
            "an IPv4 range that is none",
            { network: { cidrBlock: "300.1.1.0/24" } },
            /settings\.network\.cidrBlock = "300\.1\.1\.0\/24": an IPv4 range looks like/,
        ],
        [
            "an IPv4 range that starts within itself",
            { range: { cidrBlock: "10.67.0.7/24" } },
            /settings\.range\.cidrBlock = .*starts at its network address/,
        ],
        [
            "a clean room too small for AWS's smallest subnets",
            { network: { cidrBlock: "10.66.0.0/28" } },
            /settings\.network\.cidrBlock = .*\/16 to \/26/,
        ],
        ["Regions of two partitions", { regions: ["eu-west-1", "us-gov-west-1"] }, /another partition/],
        [
            "a Region of China",
            { regions: ["cn-north-1"] },
            /settings\.regions\.0 = "cn-north-1": China's Regions are a partition of their own/,
        ],
        [
            "a home Region that is not configured",
            { homeRegion: "us-east-1" },
            /settings\.homeRegion = "us-east-1": the Region is not in regions \(eu-west-1\)/,
        ],
        [
            "an image pipeline without a subnet",
            { imagePipeline: { enabled: true }, forensicInstance: { imageParameter: "/clean-room/image" } },
            /settings\.imagePipeline\.subnetId = \(not set\): name the subnet that images are built in/,
        ],
        ["no source of findings", { findings: { sources: [] } }, /settings\.findings\.sources = \[\]/],
        [
            "isolation VPCs in a Region that is not configured",
            { members: [{ accountId: "222222222222", isolationVpcs: { "us-east-1": ["vpc-0a"] } }] },
            /not in regions/,
        ],
        ["a Region AWS does not have", { regions: ["eu-middle-1"] }, /AWS has no Region of this name/],
        [
            "a member's Region that the stack has not",
            { members: [{ accountId: "222222222222", regions: ["us-east-1"] }] },
            /settings\.members\.0\.regions\.0 = "us-east-1": the Region is not in regions/,
        ],
        [
            "an image of a Region that is not configured",
            { forensicInstance: { imageIds: { "us-east-1": "ami-0123456789abcdef0" } } },
            /settings\.forensicInstance\.imageIds\.us-east-1/,
        ],
        [
            "a detector in each account of an organisation",
            { members: [], organization, coverage: { mode: "standalone" } },
            /needs a list of members/,
        ],
        [
            "a unit's id that is none",
            { members: [], organization: { ...organization, organizationalUnitIds: ["security"] } },
            /organizationalUnitIds\.0 = "security": a unit's id looks like/,
        ],
        [
            "a deployment role of another account",
            { forensics: { accountId: "111111111111", deployRoleArn: "arn:aws:iam::222222222222:role/deploy" } },
            /settings\.forensics\.deployRoleArn = .*: the role is of account 222222222222/,
        ],
        [
            "a management account's role of another account",
            {
                organization: {
                    ...organization,
                    management: { accountId: "999999999999", deployRoleArn: "arn:aws:iam::888888888888:role/deploy" },
                },
            },
            /settings\.organization\.management\.deployRoleArn = .*: the role is of account 888888888888/,
        ],
        [
            "two roles for one account",
            {
                organization: { ...organization, management: { accountId: "999999999999" } },
                members: [{ accountId: "999999999999", deployRoleArn: "arn:aws:iam::999999999999:role/deploy" }],
            },
            /settings\.members\.0\.deployRoleArn = .*: the same account is deployed to as whoever runs Pulumi in organization\.management; name one role in both/,
        ],
        [
            "a type of another processor",
            { forensicInstance: { types: { "eu-west-1": "m7g.large" } } },
            /settings\.forensicInstance\.types\.eu-west-1 = "m7g\.large": this is arm64, and forensicInstance\.architecture is x86_64/,
        ],
        [
            "a type and an image of another processor",
            {
                forensicInstance: {
                    architecture: "arm64",
                    type: "m6i.large",
                    imageParameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
                },
            },
            /2 problems:\n.*\.type = "m6i\.large": this is x86_64.*\n.*\.imageParameter = .*: this is x86_64, and forensicInstance\.architecture is arm64/,
        ],
        [
            "an image pipeline that would write where AWS lets nobody",
            { imagePipeline: { enabled: true }, forensicInstance: { imageParameter: "/SSM/image" } },
            /settings\.forensicInstance\.imageParameter = "\/SSM\/image": .*aws or ssm/,
        ],
        ["a key that does not exist", { colour: "red" }, /colour/],
        ["no member", { members: [] }, /settings\.members = \[\]: nobody is protected/],
    ];
    for (const [what, change, message] of refused) {
        it(`refuses ${what}`, () => expect(() => parseSettings({ ...valid, ...change })).to.throw(message));
    }

    it("takes the management account as forensics account, or beside the root as a member", () => {
        const root = { ...organization, organizationalUnitIds: ["r-a1b2"] };
        expect(
            parseSettings({ ...valid, organization: { ...root, stackSetsAs: "SELF", management: { accountId: "111111111111" } } })
                .organization?.stackSetsAs,
        ).to.equal("SELF");
        expect(
            parseSettings({ ...valid, organization: { ...root, management: { accountId: "222222222222" } } }).organization?.stackSetsAs,
        ).to.equal("DELEGATED_ADMIN");
    });

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

describe("architectureOf", () => {
    it("knows AWS's own processors by the type's name", () => {
        for (const type of [
            "a1.large",
            "t4g.small",
            "m7g.large",
            "c6gn.xlarge",
            "im4gn.large",
            "is4gen.medium",
            "x2gd.metal",
            "g5g.xlarge",
            "r8gd.metal-24xl",
        ])
            expect(architectureOf(type), type).to.equal("arm64");
        for (const type of [
            "m6i.large",
            "m5.large",
            "g5.xlarge",
            "g4dn.xlarge",
            "g6e.xlarge",
            "x2iedn.large",
            "m7a.large",
            "u-6tb1.metal",
            "i4i.large",
            "c7i-flex.large",
        ])
            expect(architectureOf(type), type).to.equal("x86_64");
    });

    it("says which type and image are used where the configuration names none", () => {
        const named = (forensicInstance?: object) =>
            (({ type, imageParameter }) => `${type} ${imageParameter.split("/").at(-1)}`)(
                parseSettings({ ...valid, forensicInstance }).forensicInstance,
            );
        expect(named()).to.equal("m6i.large al2023-ami-kernel-default-x86_64");
        expect(named({ architecture: "arm64" })).to.equal("m7g.large al2023-ami-kernel-default-arm64");
        expect(named({ architecture: "arm64", type: "c7g.xlarge", imageParameter: "/clean-room/forensic-image" })).to.equal(
            "c7g.xlarge forensic-image",
        );
        for (const architecture of architectures) expect(architectureOf(defaultInstanceType[architecture])).to.equal(architecture);
    });
});

describe("partitionOf", () => {
    it("knows the three public partitions", () => {
        expect(["eu-west-1", "cn-north-1", "us-gov-east-1"].map(partitionOf)).to.deep.equal(["aws", "aws-cn", "aws-us-gov"]);
    });
});

describe("the estate that a configuration comes to", () => {
    const settingsOf = (change: object): Settings => parseSettings({ ...valid, ...change });
    const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };

    it("protects each account in each Region, or in the account's own", () => {
        const settings = settingsOf({
            regions: ["eu-west-1", "us-east-1"],
            members: [{ accountId: "222222222222" }, { accountId: "333333333333", regions: ["us-east-1"] }],
        });
        expect(protectedPairs(settings)).to.deep.equal([
            { accountId: "222222222222", region: "eu-west-1" },
            { accountId: "222222222222", region: "us-east-1" },
            { accountId: "333333333333", region: "us-east-1" },
        ]);
    });

    it("starts incidents for the accounts that are protected in the Region, and for nobody where none is", () => {
        const members = [
            { accountId: "222222222222", regions: ["us-east-1"] },
            { accountId: "333333333333", regions: ["us-east-1"] },
        ];
        const listed = settingsOf({ regions: ["eu-west-1", "us-east-1"], members });
        expect(["eu-west-1", "us-east-1"].map((region) => admittedAccounts(listed, region))).to.deep.equal([
            [],
            ["222222222222", "333333333333"],
        ]);
        const both = settingsOf({ regions: ["eu-west-1", "us-east-1"], members, organization });
        expect(["eu-west-1", "us-east-1"].map((region) => admittedAccounts(both, region))).to.deep.equal([
            ["*", "!222222222222", "!333333333333"],
            ["*"],
        ]);
        const without = settingsOf({ members: [], organization: { ...organization, excludeAccounts: ["444444444444"] } });
        expect(admittedAccounts(without, "eu-west-1")).to.deep.equal(["*", "!444444444444"]);
    });

    it("forwards findings where no delegated administrator has them already, or as the account says", () => {
        const delegated = settingsOf({
            coverage: { mode: "organization" },
            members: [
                { accountId: "222222222222" },
                { accountId: "333333333333", forwardFindings: true },
                { accountId: "444444444444", coverage: "existing" },
            ],
        });
        expect(delegated.members.map((member) => forwardsFindings(delegated, member))).to.deep.equal([false, true, true]);
        expect(forwardsFindings(settingsOf({ members: [], organization }))).to.equal(false);
        expect(forwardsFindings(settingsOf({ members: [], organization, coverage: { mode: "existing" } }))).to.equal(true);
    });

    it("lets the named units in and no other, or the whole organisation when the root is named", () => {
        const settings = settingsOf({
            members: [],
            organization: { ...organization, organizationalUnitIds: ["ou-a1b2-c3d4e5f6", "ou-a1b2-99999999"] },
        });
        expect(ofOrganization(settings.organization!)).to.deep.equal({
            StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5" },
            "ForAnyValue:StringLike": {
                "aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/*/ou-a1b2-c3d4e5f6/*", "o-a1b2c3d4e5/*/ou-a1b2-99999999/*"],
            },
        });
        expect(ofOrganization({ ...settings.organization!, organizationalUnitIds: ["r-a1b2"] })).to.not.have.property(
            "ForAnyValue:StringLike",
        );
    });
});

describe("knownRegions", () => {
    it("holds 17 Regions that every account of the public partition has", () => {
        const always = knownRegions.filter((region) => partitionOf(region) === "aws" && !needsOptIn(region));
        expect(always).to.have.length(17);
        expect(new Set(knownRegions)).to.have.length(knownRegions.length);
    });
});
