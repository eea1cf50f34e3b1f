import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { knownRegions, needsOptIn, partitionOf } from "../../infra/awsRegions";
import { parseSettings } from "../../infra/config";
import { memberTemplate } from "../../infra/memberTemplate";
import { ensureVenv } from "../../packaging/python";
import { declare, type Declared } from "./support/declared";

const forensics = { accountId: "111111111111" };
const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] };
const regions = knownRegions.filter((region) => partitionOf(region) === "aws" && !needsOptIn(region));
const keyArn = (region: string) => `arn:aws:kms:${region}:${forensics.accountId}:key/12345678-1234-1234-1234-123456789012`;

interface PolicyDocument {
    Statement: { Sid?: string; Resource: string | string[] }[];
}

interface Template {
    Resources: Record<string, { Type: string; Condition?: string; Properties: Record<string, unknown> }>;
}

/** The template as CloudFormation would read it in one account and Region. */
function resolved(template: unknown, accountId: string, region: string): Template {
    const text = JSON.stringify(template, (_, value: unknown) => {
        const sub = value && typeof value === "object" && "Fn::Sub" in value ? (value["Fn::Sub"] as string) : null;
        return sub === null
            ? value
            : sub.replaceAll("${AWS::AccountId}", accountId).replaceAll("${AWS::Region}", region).replaceAll("${!", "${");
    });
    return JSON.parse(text) as Template;
}

describe("the member footprint", () => {
    const member = { accountId: "222222222222" };
    const stack = { forensics, regions: ["eu-west-1", "us-east-1"], coverage: { mode: "existing" } };
    let declared: Declared[];

    before(async function () {
        this.timeout(120_000);
        const { resources, problems } = await declare(
            { ...stack, members: [member] },
            { detectors: { "222222222222/eu-west-1": "ENABLED", "222222222222/us-east-1": "ENABLED" } },
        );
        expect(problems).to.deep.equal([]);
        declared = resources.filter((resource) => resource.accountId === member.accountId);
    });

    it("is the same by CloudFormation and by Pulumi", () => {
        const named = (type: string, name: string) =>
            declared.find((resource) => resource.type === type && (resource.inputs.name ?? resource.inputs.role) === name)!;
        const keyArns = stack.regions.map((region) => `arn:aws:kms:${region}:${forensics.accountId}:clean-room-${region}-evidence-key`);
        const template = memberTemplate({
            settings: parseSettings({ ...stack, organization }),
            partition: "aws",
            evidenceKeyArns: keyArns,
        });
        const seen = new Set<Declared>();
        for (const region of stack.regions) {
            const { Resources } = resolved(template, member.accountId, region);
            for (const [role, roleName] of [
                [Resources.Responder!, "clean-room-responder"],
                [Resources.Forwarder!, "clean-room-forward-findings"],
            ] as const) {
                const { Description, MaxSessionDuration, AssumeRolePolicyDocument, Policies } = role.Properties as {
                    Policies: { PolicyDocument: PolicyDocument }[];
                } & Record<string, unknown>;
                const byPulumi = named("aws:iam/role:Role", roleName);
                expect({ Description, MaxSessionDuration, AssumeRolePolicyDocument }).to.deep.equal({
                    Description: byPulumi.inputs.description,
                    MaxSessionDuration: byPulumi.inputs.maxSessionDuration,
                    AssumeRolePolicyDocument: JSON.parse(byPulumi.inputs.assumeRolePolicy as string),
                });
                const policy = declared.find(
                    (resource) => resource.type === "aws:iam/rolePolicy:RolePolicy" && resource.inputs.role === roleName,
                )!;
                const allowed = JSON.parse(policy.inputs.policy as string) as PolicyDocument;
                // By Pulumi one role forwards to every Region's bus; by CloudFormation each Region's stack has one for its own.
                if (role === Resources.Forwarder)
                    for (const statement of allowed.Statement)
                        statement.Resource = [statement.Resource].flat().filter((arn) => arn.includes(`:${region}:`));
                // A listed account's keys are named, an organisation's are any of its own: tests/functions/preserve.spec.ts.
                const butKeys = ({ Statement }: PolicyDocument) => Statement.filter(({ Sid }) => !Sid?.startsWith("UseKeysOfVolumes"));
                expect(Policies.map(({ PolicyDocument }) => butKeys(PolicyDocument))).to.deep.equal([butKeys(allowed)]);
                expect(Policies[0]!.PolicyDocument.Statement.length).to.equal(allowed.Statement.length);
                [byPulumi, policy].forEach((each) => seen.add(each));
            }
            const rule = declared.find((resource) => resource.type === "aws:cloudwatch/eventRule:EventRule" && resource.region === region)!;
            const target = declared.find(
                (resource) => resource.type === "aws:cloudwatch/eventTarget:EventTarget" && resource.region === region,
            )!;
            const { Name, Description, EventPattern, Targets } = Resources.ForwardFindings!.Properties as Record<string, unknown> & {
                Targets: { Arn: string; DeadLetterConfig: object }[];
            };
            expect({ Name, Description, EventPattern }).to.deep.equal({
                Name: rule.inputs.name,
                Description: rule.inputs.description,
                EventPattern: JSON.parse(rule.inputs.eventPattern as string),
            });
            expect(Targets.map(({ Arn, DeadLetterConfig }) => [Arn, DeadLetterConfig])).to.deep.equal([
                [target.inputs.arn, { Arn: (target.inputs.deadLetterConfig as { arn: string }).arn }],
            ]);
            [rule, target].forEach((each) => seen.add(each));

            const here = (type: string) => declared.filter((resource) => resource.type === type && resource.region === region);
            const alarms = here("aws:cloudwatch/metricAlarm:MetricAlarm");
            const byCloudFormation = Object.values(Resources).filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
            expect(byCloudFormation.map(({ Properties }) => Properties)).to.have.deep.members(
                alarms.map(({ inputs }) => ({
                    AlarmName: inputs.name,
                    AlarmDescription: inputs.alarmDescription,
                    Namespace: inputs.namespace,
                    MetricName: inputs.metricName,
                    Dimensions: Object.entries(inputs.dimensions as object).map(([key, value]) => ({ Name: key, Value: value as string })),
                    Statistic: inputs.statistic,
                    Period: inputs.period,
                    EvaluationPeriods: inputs.evaluationPeriods,
                    Threshold: inputs.threshold,
                    ComparisonOperator: inputs.comparisonOperator,
                    TreatMissingData: inputs.treatMissingData,
                    AlarmActions: inputs.alarmActions,
                })),
            );
            alarms.forEach((each) => seen.add(each));
        }
        // And Pulumi makes nothing beside it.
        expect(declared.filter((resource) => !seen.has(resource)).map(({ type, name }) => `${type} ${name}`)).to.deep.equal([]);
    });

    it("has the responder role, which is global, in the stack of the home Region alone", () => {
        const template = memberTemplate({
            settings: parseSettings({ ...stack, organization }),
            partition: "aws",
            evidenceKeyArns: [keyArn("eu-west-1")],
        });
        expect(template.Conditions).to.deep.equal({ InHomeRegion: { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-west-1"] } });
        const resources = template.Resources as unknown as Template["Resources"];
        expect(
            Object.entries(resources)
                .filter(([, { Condition }]) => Condition !== undefined)
                .map(([name]) => name),
        ).to.deep.equal(["Responder"]);
        // The others carry the Region in their names, where their service is global.
        expect(resources.Forwarder!.Properties.RoleName).to.deep.equal({ "Fn::Sub": "clean-room-forward-findings-${AWS::Region}" });
    });

    it("forwards nothing where a delegated administrator has the findings", () => {
        const template = memberTemplate({
            settings: parseSettings({ forensics, regions, organization }),
            partition: "aws",
            evidenceKeyArns: regions.map(keyArn),
        });
        expect(Object.keys(template.Resources)).to.deep.equal(["Responder"]);
    });

    it("stays within IAM's and CloudFormation's limits in all Regions", () => {
        const template = memberTemplate({
            settings: parseSettings({ forensics, regions, organization, coverage: { mode: "existing" } }),
            partition: "aws",
            evidenceKeyArns: regions.map(keyArn),
        });
        const { AssumeRolePolicyDocument, Policies } = resolved(template, "222222222222", "ap-northeast-1").Resources.Responder!
            .Properties as { AssumeRolePolicyDocument: object; Policies: { PolicyDocument: object }[] };
        expect(JSON.stringify(AssumeRolePolicyDocument).length).to.be.at.most(2048);
        expect(Policies.reduce((sum, { PolicyDocument }) => sum + JSON.stringify(PolicyDocument).length, 0)).to.be.at.most(10_240);
        expect(JSON.stringify(template).length).to.be.at.most(51_200);
    });

    for (const mode of ["organization", "existing"]) {
        it(`passes cfn-lint in coverage mode ${mode}`, async function () {
            this.timeout(600_000);
            // cfn-lint comes with the local AWS.
            const { bin } = await ensureVenv({ name: "rehearsal", lockFile: path.resolve(__dirname, "../../rehearsal/requirements.lock") });
            const folder = await mkdtemp(path.join(tmpdir(), "member-template-"));
            try {
                const file = path.join(folder, "member.json");
                const template = memberTemplate({
                    settings: parseSettings({ forensics, regions, organization, coverage: { mode } }),
                    partition: "aws",
                    evidenceKeyArns: regions.map(keyArn),
                });
                const lint = async () =>
                    promisify(execFile)(path.join(bin, "cfn-lint"), ["--format", "parseable", "--regions", ...regions, "--", file]).then(
                        () => "",
                        (error: { stdout?: string; message: string }) => error.stdout || error.message,
                    );
                await writeFile(file, JSON.stringify(template));
                expect(await lint()).to.equal("");
                // It looks, and does not merely run.
                await writeFile(
                    file,
                    JSON.stringify({ ...template, Resources: { Responder: { Type: "AWS::IAM::Role", Properties: {} } } }),
                );
                expect(await lint()).to.include("AssumeRolePolicyDocument");
            } finally {
                await rm(folder, { recursive: true, force: true });
            }
        });
    }
});
