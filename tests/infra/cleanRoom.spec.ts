import { expect } from "chai";
import { endpointPolicy, endpointServices } from "../../functions/domain/endpoints";
import { allowedNames } from "../../infra/dnsFirewall";
import { declare, type Declared } from "./support/declared";

const stack = {
    forensics: { accountId: "111111111111" },
    regions: ["eu-west-1", "mx-central-1"],
    members: [{ accountId: "222222222222", isolationVpcs: { "eu-west-1": ["vpc-0a", "vpc-0b"] } }],
};
const answers = {
    switchedOn: { "111111111111": ["eu-west-1", "mx-central-1"], "222222222222": ["eu-west-1", "mx-central-1"] },
    zones: { offering: { "eu-west-1": ["eu-west-1b", "eu-west-1c"] }, endpoints: { ssm: ["eu-west-1c", "mx-central-1a"] } },
    isolationGroups: ["vpc-0b"],
};

describe("a clean room as the program declares it", function () {
    this.timeout(240_000);
    let resources: Declared[];
    const of = (type: string, region = "eu-west-1") =>
        resources.filter((each) => each.type === type && (each.region === region || each.region === null));
    const statements = (resource: Declared, property = "policy") =>
        (JSON.parse(resource.inputs[property] as string) as { Statement: Record<string, unknown>[] }).Statement;

    before(async () => {
        const declared = await declare(stack, answers);
        expect(declared.problems).to.deep.equal([]);
        resources = declared.resources;
    });

    it("lies in zones that offer its instances and endpoints, and stays in them", () => {
        const subnets = of("aws:ec2/subnet:Subnet");
        expect(subnets.map(({ inputs }) => inputs.availabilityZone)).to.deep.equal(["eu-west-1c", "eu-west-1c"]);
        for (const { ignoreChanges } of subnets) expect(ignoreChanges).to.deep.equal(["availabilityZone"]);
        expect(of("aws:ec2/subnet:Subnet", "mx-central-1").map(({ inputs }) => inputs.availabilityZone)).to.deep.equal([
            "mx-central-1a",
            "mx-central-1a",
        ]);
    });

    it("keeps the account's defaults safe in every Region, and when the stack goes", () => {
        const types = {
            "aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions": { internetGatewayBlockMode: "block-bidirectional" },
            "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": { state: "block-all-sharing" },
            "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": { state: "block-new-sharing" },
            "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": { httpTokens: "required" },
            "aws:ebs/encryptionByDefault:EncryptionByDefault": { enabled: true },
            "aws:ec2/serialConsoleAccess:SerialConsoleAccess": { enabled: false },
        };
        for (const region of ["eu-west-1", "mx-central-1"])
            for (const [type, wanted] of Object.entries(types)) {
                const made = of(type, region);
                expect(made, `${type} in ${region}`).to.have.length(1);
                expect(made[0]!.inputs).to.deep.include(wanted);
                expect(made[0]).to.deep.include({ accountId: "111111111111", retainOnDelete: true });
            }
        // The whole account's, to which the provider takes no Region.
        const ofBuckets = resources.filter(({ type }) => type === "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock");
        expect(ofBuckets.map(({ accountId, region, retainOnDelete }) => [accountId, region, retainOnDelete])).to.deep.equal([
            ["111111111111", null, true],
        ]);
    });

    it("pays for no endpoint while nothing happens: S3's is free, the others are made at an incident with the same policies", () => {
        const services = (region: string) =>
            of("aws:ec2/vpcEndpoint:VpcEndpoint", region).map(({ inputs }) => (inputs.serviceName as string).split(".").at(-1));
        for (const region of ["eu-west-1", "mx-central-1"]) expect(services(region)).to.deep.equal(["s3"]);
        const maker = of("aws:lambda/function:Function").find(({ inputs }) => inputs.name === "clean-room-openEndpoints")!;
        const { variables } = maker.inputs.environment as { variables: Record<string, string> };
        for (const service of endpointServices)
            expect(variables[`ENDPOINT_POLICY_${service.toUpperCase()}`]).to.equal(endpointPolicy(service, "111111111111"));
        const daily = of("aws:cloudwatch/eventTarget:EventTarget").find(({ inputs }) => inputs.input === '{"sweep":true}');
        expect(daily?.inputs.deadLetterConfig).to.not.equal(undefined);
    });

    it("has the endpoints that a forensic instance needs where they are to stand, in every Region the same, and no other", async function () {
        this.timeout(60_000);
        const { resources: all, problems } = await declare({ ...stack, network: { endpoints: "standing" } }, answers);
        expect(problems).to.deep.equal([]);
        const standing = all.filter(({ type }) => type === "aws:ec2/vpcEndpoint:VpcEndpoint");
        for (const region of ["eu-west-1", "mx-central-1"])
            expect(
                standing
                    .filter((each) => each.region === region)
                    .map(({ inputs }) => [
                        (inputs.serviceName as string).split(".").at(-1),
                        inputs.vpcEndpointType === "Interface" ? inputs.policy : null,
                    ]),
            ).to.have.deep.members([
                ["s3", null],
                ...endpointServices.map((service) => [service, endpointPolicy(service, "111111111111")]),
            ]);
    });

    it("resolves names of AWS's and none besides, also where the firewall does not answer", () => {
        const lists = of("aws:route53/resolverFirewallDomainList:ResolverFirewallDomainList");
        expect(lists.map(({ inputs }) => inputs.domains)).to.have.deep.members([
            allowedNames("eu-west-1", ["ssm", "ssmmessages", "logs"]),
            ["*"],
        ]);
        const rules = of("aws:route53/resolverFirewallRule:ResolverFirewallRule").map(({ inputs }) => inputs);
        expect(rules.map(({ action, priority }) => [action, priority])).to.have.deep.members([
            ["ALLOW", 100],
            ["BLOCK", 200],
        ]);
        expect(of("aws:route53/resolverFirewallRuleGroupAssociation:ResolverFirewallRuleGroupAssociation")).to.have.length(1);
        expect(of("aws:route53/resolverFirewallConfig:ResolverFirewallConfig")[0]!.inputs.firewallFailOpen).to.equal("DISABLED");
        // Whoever may name something under a wildcard could be spoken to by it.
        for (const name of allowedNames("us-east-1", ["ssm"]))
            expect(name).to.match(/^(\*\.)?(ssm|s3|s3\.dualstack)\.us-east-1\.amazonaws\.com$|^\*\.ec2\.internal$/);
    });

    it("keeps evidence, its key and all that guards them when the stack or the Region goes", () => {
        const isDefault = (name: string) => name.endsWith("-defaults");
        const stays = resources.filter(({ retainOnDelete, region, name }) => retainOnDelete && region === "eu-west-1" && !isDefault(name));
        expect(stays.map(({ type }) => type.split(":").pop()).sort()).to.deep.equal([
            "Bucket",
            "BucketLifecycleConfiguration",
            "BucketObjectLockConfiguration",
            "BucketOwnershipControls",
            "BucketPolicy",
            "BucketPublicAccessBlock",
            "BucketServerSideEncryptionConfiguration",
            "BucketVersioning",
            "Key",
            // The evidence key, and the one that signs the manifests of cases.
            "Key",
        ]);
        const protectedOnes = stays.filter((each) => each.protect).map(({ type }) => type);
        expect(protectedOnes.sort()).to.deep.equal(["aws:kms/key:Key", "aws:kms/key:Key", "aws:s3/bucket:Bucket"]);
    });

    it("lets nobody but the custodian end the evidence key", () => {
        const key = of("aws:kms/key:Key").find(({ name }) => name.endsWith("evidence-key"))!;
        expect(statements(key).filter(({ Effect }) => Effect === "Deny")).to.deep.equal([
            {
                Sid: "OnlyTheCustodianEndsIt",
                Effect: "Deny",
                Principal: "*",
                Action: ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"],
                Resource: "*",
                Condition: { ArnNotEquals: { "aws:PrincipalArn": "arn:aws:iam::111111111111:role/clean-room-evidence-custodian" } },
            },
        ]);
    });

    it("ends uploads that broke off", () => {
        const [lifecycle] = of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
        expect(lifecycle!.inputs.rules).to.deep.equal([
            {
                id: "abort-incomplete-uploads",
                status: "Enabled",
                filter: { prefix: "" },
                abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
            },
        ]);
    });

    it("keeps task tokens out of logs, and every log under its own key", () => {
        const machines = of("aws:sfn/stateMachine:StateMachine");
        expect(machines.length).to.be.greaterThan(1);
        for (const { inputs } of machines)
            expect(inputs.loggingConfiguration).to.deep.include({ level: "ALL", includeExecutionData: false });
        const key = of("aws:kms/key:Key").find(({ name }) => name.endsWith("message-key"))!;
        const admitted = (statements(key).find(({ Sid }) => Sid === "LogsAreEncrypted")!.Condition as { ArnLike: Record<string, string[]> })
            .ArnLike["kms:EncryptionContext:aws:logs:arn"]!;
        const groups = of("aws:cloudwatch/logGroup:LogGroup").filter(({ accountId }) => accountId === "111111111111");
        expect(groups.length).to.be.greaterThan(10);
        for (const { name, inputs } of groups) {
            expect(inputs.kmsKeyId, name).to.match(/clean-room-eu-west-1-message-key$/);
            const arn = `arn:aws:logs:eu-west-1:111111111111:log-group:${inputs.name as string}`;
            expect(
                admitted.some((pattern) => arn.startsWith(pattern.replace(/\*$/, ""))),
                arn,
            ).to.equal(true);
        }
    });

    it("lets the agent find the log group that it streams to", () => {
        const role = resources.find(
            ({ type, inputs }) => type === "aws:iam/rolePolicy:RolePolicy" && inputs.role === "clean-room-forensic-instance-eu-west-1",
        )!;
        expect(statements(role)).to.deep.include({
            Sid: "FindCommandLog",
            Effect: "Allow",
            Action: ["logs:DescribeLogGroups"],
            // AWS's reference knows no resource of it.
            Resource: ["*"],
        });
    });

    it("runs its functions on a runtime that AWS supports for years", () => {
        for (const { inputs } of of("aws:lambda/function:Function")) expect(inputs.runtime).to.equal("nodejs24.x");
    });

    it("adopts an isolation group that an incident made", () => {
        const groups = resources.filter(
            ({ type, inputs }) => type === "aws:ec2/securityGroup:SecurityGroup" && inputs.name === "clean-room-isolation",
        );
        expect(groups.map(({ inputs }) => inputs.vpcId)).to.deep.equal(["vpc-0a"]);
    });
});
