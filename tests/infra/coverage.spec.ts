import { expect } from "chai";
import { requireSwitchedOn, workingRole } from "../../infra/accounts";
import { parseSettings } from "../../infra/config";
import { planDetectors } from "../../infra/planDetectors";
import { declare, type Declared, type Declaration } from "./support/declared";

const forensics = { accountId: "111111111111" };
const regions = ["eu-west-1", "us-east-1"];
const organization = {
    organizationId: "o-a1b2c3d4e5",
    organizationalUnitIds: ["ou-a1b2-c3d4e5f6"],
    excludeAccounts: ["444444444444"],
    management: { accountId: "999999999999" },
};
const members = [{ accountId: "222222222222" }, { accountId: "333333333333", regions: ["us-east-1"] }];
const placed = (resources: Declared[], type: string) =>
    resources
        .filter((resource) => resource.type === type)
        .map(({ accountId, region }) => `${accountId}/${region}`)
        .sort();

describe("planDetectors", () => {
    const plan = (change: object) =>
        planDetectors(parseSettings({ forensics, regions, members, ...change })).map(
            ({ accountId, region, action, administers }) => `${action} ${accountId}/${region}${administers ? " for all" : ""}`,
        );

    it("makes one in each member and Region, or one a Region for the whole organisation", () => {
        expect(plan({})).to.deep.equal(["make 222222222222/eu-west-1", "make 222222222222/us-east-1", "make 333333333333/us-east-1"]);
        expect(plan({ members: [], organization })).to.deep.equal([
            "make 999999999999/eu-west-1",
            "make 999999999999/us-east-1",
            "make 111111111111/eu-west-1 for all",
            "make 111111111111/us-east-1 for all",
        ]);
    });

    it("adopts by Region, by account, or all of them", () => {
        expect(plan({ coverage: { existingRegions: ["us-east-1"] } })).to.deep.equal([
            "make 222222222222/eu-west-1",
            "adopt 222222222222/us-east-1",
            "adopt 333333333333/us-east-1",
        ]);
        expect(plan({ members: [{ ...members[0], coverage: "existing" }, members[1]] })).to.deep.equal([
            "adopt 222222222222/eu-west-1",
            "adopt 222222222222/us-east-1",
            "make 333333333333/us-east-1",
        ]);
        expect(plan({ members: [], organization, coverage: { existingRegions: ["us-east-1"] } })).to.deep.equal([
            "make 999999999999/eu-west-1",
            "adopt 999999999999/us-east-1",
            "make 111111111111/eu-west-1 for all",
            "adopt 111111111111/us-east-1 for all",
        ]);
        expect(plan({ members: [], organization, coverage: { mode: "existing" } })).to.deep.equal([
            "adopt 111111111111/eu-west-1",
            "adopt 111111111111/us-east-1",
        ]);
    });
});

describe("GuardDuty as the program declares it", function () {
    this.timeout(240_000);

    it("gives an organisation a delegated administrator in each Region, who switches it on for all accounts", async () => {
        const { resources, problems } = await declare({ forensics, regions, organization });
        expect(problems).to.deep.equal([]);
        const inForensics = regions.map((region) => `111111111111/${region}`);
        // AWS switches it on by itself in every account but the management account.
        expect(placed(resources, "aws:guardduty/detector:Detector")).to.deep.equal([
            ...inForensics,
            ...regions.map((region) => `999999999999/${region}`),
        ]);
        expect(placed(resources, "aws:guardduty/organizationConfiguration:OrganizationConfiguration")).to.deep.equal(inForensics);
        expect(placed(resources, "aws:guardduty/organizationAdminAccount:OrganizationAdminAccount")).to.deep.equal(
            regions.map((region) => `999999999999/${region}`),
        );
        for (const { inputs } of resources.filter(
            ({ type }) => type === "aws:guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature",
        ))
            expect(inputs.autoEnable).to.equal("ALL");
        for (const { inputs } of resources.filter(({ type }) => type === "aws:guardduty/detector:Detector"))
            expect(inputs).to.include({ enable: true, findingPublishingFrequency: "FIFTEEN_MINUTES" });
        expect(resources.find(({ type }) => type === "aws:cloudformation/stackSet:StackSet")!.inputs).to.deep.include({
            permissionModel: "SERVICE_MANAGED",
            autoDeployment: { enabled: true, retainStacksOnAccountRemoval: false },
        });
        expect(resources.find(({ type }) => type === "aws:cloudformation/stackInstances:StackInstances")!.inputs).to.deep.include({
            // Nothing is forwarded, so the other Regions' stacks would be empty.
            regions: ["eu-west-1"],
            retainStacks: false,
            deploymentTargets: {
                organizationalUnitIds: organization.organizationalUnitIds,
                // A responder role in the forensics account could unlock evidence.
                accounts: [...organization.excludeAccounts, forensics.accountId],
                accountFilterType: "DIFFERENCE",
            },
        });
    });

    it("designates the administrator in one Region after another", async () => {
        const three = ["eu-west-1", "us-east-1", "us-west-2"];
        const { resources } = await declare({ forensics, regions: three, organization });
        const designations = resources.filter(({ type }) => type === "aws:guardduty/organizationAdminAccount:OrganizationAdminAccount");
        expect(designations.map(({ dependsOn }) => dependsOn)).to.deep.equal([
            ["coverage-111111111111-eu-west-1"],
            ["coverage-111111111111-us-east-1", "coverage-111111111111-eu-west-1"],
            ["coverage-111111111111-us-west-2", "coverage-111111111111-us-east-1"],
        ]);
    });

    it("reaches hundreds of accounts: in parallel, an update too, and for hours", async () => {
        const { resources } = await declare({ forensics, regions, organization, coverage: { mode: "existing" } });
        const stacks = resources.filter(({ type }) => type.startsWith("aws:cloudformation/"));
        expect(stacks).to.have.length(2);
        for (const { inputs, customTimeouts } of stacks) {
            expect(inputs.operationPreferences).to.deep.equal({
                failureTolerancePercentage: 10,
                maxConcurrentPercentage: 25,
                regionConcurrencyType: "PARALLEL",
            });
            expect(customTimeouts).to.deep.equal({ create: "6h", update: "6h", delete: "6h" });
        }
        // Here the accounts forward, so each Region needs its stack.
        expect(stacks.find(({ type }) => type.endsWith("StackInstances"))!.inputs.regions).to.deep.equal(regions);
    });

    it("names at preview the detectors that are another's, and the older protection of EKS, all at once", async () => {
        const legacy = [{ name: "EKS_RUNTIME_MONITORING", status: "ENABLED" }];
        const { problems } = await declare(
            { forensics, regions, members },
            {
                detectors: {
                    "222222222222/eu-west-1": "ENABLED",
                    "222222222222/us-east-1": { status: "ENABLED", tags: { "clean-room:managed-by": "pulumi" } },
                    "333333333333/us-east-1": { status: "ENABLED", tags: { "clean-room:managed-by": "pulumi" }, features: legacy },
                },
            },
        );
        expect(problems.join("\n"))
            .to.match(/222222222222\/eu-west-1: there is a detector already \(.*coverage\.existingRegions/)
            .and.match(/333333333333\/us-east-1: EKS Runtime Monitoring is on/)
            .and.not.include("222222222222/us-east-1");
    });

    it("leaves the parts of a feature alone that are not its own, of which AWS tells all the same", async () => {
        const { resources } = await declare({ forensics, regions, organization });
        const features = resources.filter(({ type }) => /^aws:guardduty\/.*Feature$/.test(type));
        expect(features.map(({ type }) => type.split(":").pop())).to.include.members([
            "DetectorFeature",
            "OrganizationConfigurationFeature",
        ]);
        for (const { name, ignoreChanges } of features) expect(ignoreChanges, name).to.deep.equal(["additionalConfigurations"]);
    });

    it("names every account and Region without a detector, at once, where they are said to exist", async () => {
        const { problems } = await declare(
            { forensics, regions, members, coverage: { mode: "existing" } },
            { detectors: { "222222222222/eu-west-1": "ENABLED", "222222222222/us-east-1": "DISABLED" } },
        );
        expect(problems.join("\n"))
            .to.include("2 of 3 accounts and Regions")
            .and.match(/222222222222\/us-east-1: the detector .* is DISABLED/)
            .and.match(/333333333333\/us-east-1: /)
            .and.not.match(/222222222222\/eu-west-1/);
    });

    it("makes nothing in an account that has a Region switched off", async () => {
        const declared: Declaration = await declare(
            { forensics, regions: ["eu-west-1", "me-south-1"], members: members.slice(0, 1) },
            { switchedOn: { "111111111111": ["eu-west-1"], "222222222222": ["eu-west-1", "me-south-1"] } },
        );
        expect(declared.problems.join("\n")).to.include("not switched on in account 111111111111: me-south-1");
        expect(declared.resources.filter(({ accountId, custom }) => custom && accountId === "111111111111")).to.deep.equal([]);
    });
});

describe("workingRole", () => {
    const deploy = "arn:aws:iam::111111111111:role/ops/deploy";
    it("is the deploying role, and in a preview one of the same account that may only read", () => {
        expect(workingRole(deploy, undefined, false)).to.equal(deploy);
        expect(workingRole(deploy, "preview", true)).to.equal("arn:aws:iam::111111111111:role/preview");
        expect(workingRole(undefined, "preview", true)).to.equal(undefined);
    });
    it("lets no update run with a preview's role", () => {
        expect(() => workingRole(deploy, "preview", false)).to.throw(/CLEAN_ROOM_PREVIEW_ROLE_NAME is set, which is for previews/);
    });
});

describe("requireSwitchedOn", () => {
    it("takes no answer for a no", () => {
        expect(() => requireSwitchedOn("111111111111", ["me-south-1", "il-central-1"], undefined)).to.throw(
            /111111111111: me-south-1, il-central-1/,
        );
        expect(() => requireSwitchedOn("111111111111", ["me-south-1"], ["me-south-1"])).to.not.throw();
    });
});
