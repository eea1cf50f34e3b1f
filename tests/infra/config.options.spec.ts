import { expect } from "chai";
import { parseSettings } from "../../infra/config";
import { componentDocument } from "../../infra/imagePipeline";
import { deployedSteps } from "../../infra/steps";
import { declare, type Declared } from "./support/declared";

const base = { forensics: { accountId: "111111111111" }, regions: ["eu-west-1", "us-east-1"], members: [{ accountId: "222222222222" }] };
const imageParameter = "/clean-room/forensic-image";

describe("how people are told, as a stack says", () => {
    it("is by nothing that it does not name", () => {
        const { notifications, ownNetworks, report } = parseSettings(base);
        expect(notifications).to.deep.equal({ emails: [], chat: false, chatActions: false, securityHub: false, ocsf: false });
        expect(ownNetworks).to.deep.equal([]);
        expect(report).to.deep.equal({ presignedHours: 0 });
    });

    it("names what is no range and no parameter", () => {
        const wrong = { ...base, ownNetworks: ["198.51.100.0/24", "office"], notifications: { webhookParameter: "no slash" } };
        expect(() => parseSettings(wrong))
            .to.throw(/2 problems/)
            .with.property("message")
            .that.matches(/ownNetworks\.1 = "office"/)
            .and.matches(/webhookParameter = "no slash"/);
    });

    it("has buttons in a chat channel only where there is one", () => {
        expect(() => parseSettings({ ...base, notifications: { chatActions: true } })).to.throw(
            /notifications\.chatActions.*set notifications\.chat to true/,
        );
        const has = (notifications: object) => Object.keys(deployedSteps(parseSettings({ ...base, notifications })));
        expect(has({ chat: true })).to.not.include("actFromChat");
        expect(has({ chat: true, chatActions: true })).to.include("actFromChat");
    });

    it("makes a topic for Amazon Q Developer only where it is asked for, and lets functions publish there alone", async function () {
        this.timeout(240_000);
        const { resources, problems } = await declare({
            ...base,
            notifications: { chat: true, chatActions: true, webhookParameter: "/soc/hook", ocsf: true },
        });
        expect(problems).to.deep.equal([]);
        const acting = resources.filter(
            ({ type, inputs }) => type === "aws:lambda/function:Function" && inputs.name === "clean-room-actFromChat",
        );
        expect(acting.map(({ region }) => region).sort()).to.deep.equal(["eu-west-1", "us-east-1"]);
        const topics = resources.filter(({ type, inputs }) => type === "aws:sns/topic:Topic" && inputs.name === "clean-room-chat");
        expect(topics.map(({ region }) => region).sort()).to.deep.equal(["eu-west-1", "us-east-1"]);
        expect(
            resources.filter(({ type, inputs }) => type === "aws:sns/topic:Topic" && inputs.name === "clean-room-results"),
        ).to.have.length(2);
        const named = JSON.stringify(
            resources.find(
                ({ type, inputs }) => type === "aws:iam/rolePolicy:RolePolicy" && JSON.stringify(inputs).includes("clean-room-results"),
            )!.inputs,
        );
        expect(named).to.contain("PublishResult");
        const policies = JSON.stringify(
            resources.filter(({ type }) => type === "aws:iam/rolePolicy:RolePolicy").map(({ inputs }) => inputs),
        );
        expect(policies).to.contain(":clean-room-chat").and.contain(":parameter/soc/hook");
    });
});

describe("rules that a stack adds to the analysis", () => {
    const sha256 = "0".repeat(64);

    it("are S3 objects by their SHA-256, each named once; none unless it names some", () => {
        expect(parseSettings(base).analysis.ruleBundles).to.deep.equal([]);
        const ruleBundles = [{ uri: "s3://my-rules/2026-11/rules.yar", sha256 }];
        expect(parseSettings({ ...base, analysis: { ruleBundles } }).analysis.ruleBundles).to.deep.equal(ruleBundles);
        expect(() => parseSettings({ ...base, analysis: { ruleBundles: [...ruleBundles, ...ruleBundles] } })).to.throw(/named twice/);
        const wrong = [
            { uri: "https://example.com/rules.yar", sha256 },
            { uri: "s3://my-rules/x", sha256: "latest" },
        ];
        expect(() => parseSettings({ ...base, analysis: { ruleBundles: wrong } }))
            .to.throw(/2 problems/)
            .with.property("message")
            .that.matches(/s3:\/\/BUCKET\/KEY/)
            .and.matches(/sha256sum FILE/);
    });
});

describe("what a stack may turn on", function () {
    this.timeout(240_000);
    let resources: Declared[];
    const one = (type: string): Declared => resources.find((resource) => resource.type === type)!;

    before(async () => {
        const declared = await declare({
            ...base,
            findings: { drill: true },
            range: { enabled: true, instanceType: "t4g.small" },
            imagePipeline: { enabled: true, subnetId: "subnet-0a" },
            forensicInstance: { imageParameter },
        });
        expect(declared.problems).to.deep.equal([]);
        resources = declared.resources;
    });

    it("is off unless it says so", async () => {
        const { resources: plain } = await declare(base);
        expect(
            plain.filter(
                ({ type }) => type.startsWith("awsx:") || type.startsWith("aws:imagebuilder/") || type === "aws:ec2/instance:Instance",
            ),
        ).to.deep.equal([]);
    });

    it("leaves a contained instance of the range as containment left it, so that an update undoes nothing", () => {
        // What functions/domain/planContainment.ts changes of an instance, by the names that Pulumi has for it.
        expect(one("aws:ec2/instance:Instance").ignoreChanges).to.include.members([
            "vpcSecurityGroupIds",
            "disableApiTermination",
            "disableApiStop",
            "metadataOptions",
            "rootBlockDevice.deleteOnTermination",
        ]);
    });

    it("makes the range by awsx in the member, marked as what it is, with one instance that nothing reaches", () => {
        expect(one("awsx:ec2:Vpc").inputs).to.deep.include({
            region: "eu-west-1",
            numberOfAvailabilityZones: 1,
            natGateways: { strategy: "None" },
            tags: { Name: "drill range VPC", "clean-room:role": "drill-range" },
        });
        const instances = resources.filter(({ type }) => type === "aws:ec2/instance:Instance");
        expect(instances).to.have.length(1);
        expect(instances[0]).to.include({ accountId: "222222222222", region: "eu-west-1" });
        expect(instances[0]!.inputs).to.deep.include({
            subnetId: "subnet-of-awsx",
            metadataOptions: { httpTokens: "required" },
            iamInstanceProfile: "drill-range-victim",
            ami: "value of /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        });
        const groups = instances[0]!.inputs.vpcSecurityGroupIds as string[];
        expect(
            resources.find(({ type, name }) => type === "aws:ec2/securityGroup:SecurityGroup" && groups.includes(`${name}-id`))!.inputs,
        ).to.deep.include({ vpcId: "vpc-of-awsx", ingress: [] });
    });

    it("gives that instance credentials to lose, which the responder may deny, and which allow nothing", () => {
        const role = resources.find(({ type, name }) => type === "aws:iam/role:Role" && name === "drill-range")!;
        expect(role).to.include({ accountId: "222222222222" });
        const attached = resources.filter(({ type, inputs }) => type.startsWith("aws:iam/rolePolicy") && inputs.role === role.inputs.name);
        expect(attached).to.deep.equal([]);
        expect(role.inputs).to.not.have.any.keys("inlinePolicies", "managedPolicyArns");
        const responder = resources.find(
            ({ type, inputs }) => type === "aws:iam/rolePolicy:RolePolicy" && inputs.role === "clean-room-responder",
        )!;
        const { Statement } = JSON.parse(responder.inputs.policy as string) as {
            Statement: { Effect: string; Action: string[]; Resource: string[] }[];
        };
        const covers = (effect: string) =>
            Statement.some(
                ({ Effect, Action, Resource }) =>
                    Effect === effect &&
                    Action.includes("iam:PutRolePolicy") &&
                    Resource.some((each) =>
                        `arn:aws:iam::222222222222:role/${role.inputs.name as string}`.startsWith(each.replace(/\*$/, "")),
                    ),
            );
        expect([covers("Allow"), covers("Deny")]).to.deep.equal([true, false]);
    });

    it("puts the image's id in every Region where the lookup reads it", () => {
        const { distributions } = one("aws:imagebuilder/distributionConfiguration:DistributionConfiguration").inputs as {
            distributions: { region: string; ssmParameterConfigurations: object[] }[];
        };
        expect(distributions.map(({ region }) => region)).to.deep.equal(base.regions);
        for (const { ssmParameterConfigurations } of distributions)
            expect(ssmParameterConfigurations).to.deep.equal([{ parameterName: imageParameter, dataType: "aws:ec2:image" }]);
        const functions = resources.filter(
            ({ type, inputs }) => type === "aws:lambda/function:Function" && inputs.name === "clean-room-startForensicInstance",
        );
        for (const { inputs } of functions)
            expect((inputs.environment as { variables: Record<string, string> }).variables.FORENSIC_IMAGE_PARAMETER).to.equal(
                imageParameter,
            );
        expect(functions).to.not.have.length(0);
        const policy = resources.find(({ type, name }) => type === "aws:iam/rolePolicy:RolePolicy" && name === "forensic-image-execution")!;
        expect(
            (JSON.parse(policy.inputs.policy as string) as { Statement: { Resource: string[] }[] }).Statement[0]!.Resource,
        ).to.deep.equal(base.regions.map((region) => `arn:aws:ssm:${region}:111111111111:parameter${imageParameter}`));
    });

    it("wires component, recipe, infrastructure and distribution into the pipeline", () => {
        const arn = (what: string) => `arn:aws:imagebuilder:eu-west-1:111111111111:${what}`;
        expect(one("aws:imagebuilder/imagePipeline:ImagePipeline").inputs).to.include({
            imageRecipeArn: arn("forensic-image"),
            infrastructureConfigurationArn: arn("forensic-image"),
            distributionConfigurationArn: arn("forensic-image"),
            executionRole: "arn:aws:iam::111111111111:forensic-image-execution",
        });
        const attached = resources
            .filter(({ type }) => type === "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            .map(({ inputs }) => (inputs.policyArn as string).split("/").pop());
        expect(attached).to.include.members([
            "EC2ImageBuilderExecutionPolicy",
            "EC2InstanceProfileForImageBuilder",
            "AmazonSSMManagedInstanceCore",
        ]);
        expect(one("aws:imagebuilder/imageRecipe:ImageRecipe").inputs.components).to.deep.equal([{ componentArn: arn("forensic-image") }]);
    });

    it("gives component and recipe a version of their content, since neither is changed in place", () => {
        const component = one("aws:imagebuilder/component:Component").inputs;
        expect(component).to.deep.include({
            platform: "Linux",
            supportedOsVersions: ["Amazon Linux 2023"],
            data: componentDocument("3.12"),
        });
        const recipe = one("aws:imagebuilder/imageRecipe:ImageRecipe").inputs;
        expect(recipe.parentImage).to.equal("arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x");
        expect(component.version)
            .to.match(/^1\.0\.[1-9]\d*$/)
            .and.equal(recipe.version);
    });

    const refused: [string, object, RegExp][] = [
        [
            "a pipeline that would write to a parameter of AWS",
            { imagePipeline: { enabled: true } },
            /settings\.forensicInstance\.imageParameter = \(not set\): imagePipeline writes/,
        ],
        [
            "a range without a member",
            {
                members: [],
                organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["r-a1b2"] },
                range: { enabled: true },
                findings: { drill: true },
            },
            /settings\.range\.enabled = true: .*needs a listed member/,
        ],
        [
            "a range whose drills would start nothing",
            { range: { enabled: true } },
            /settings\.findings\.drill = \(not set\): a drill sends a sample finding/,
        ],
    ];
    for (const [what, change, message] of refused)
        it(`refuses ${what}`, () => expect(() => parseSettings({ ...base, ...change })).to.throw(message));
});
