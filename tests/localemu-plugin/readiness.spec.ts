/** What a preflight asks of AWS: dry runs, simulated policies, quotas, and GuardDuty's sample findings. */
import { CreateSecurityGroupCommand, CreateVpcCommand, DescribeSecurityGroupsCommand } from "@aws-sdk/client-ec2";
import {
    CreatePolicyCommand,
    PutRolePermissionsBoundaryCommand,
    SimulatePrincipalPolicyCommand,
    type ContextEntry,
} from "@aws-sdk/client-iam";
import { CreateKeyCommand, DisableKeyCommand, GenerateDataKeyWithoutPlaintextCommand } from "@aws-sdk/client-kms";
import {
    GuardDutyClient,
    CreateDetectorCommand,
    CreateSampleFindingsCommand,
    GetFindingsCommand,
    ListFindingsCommand,
} from "@aws-sdk/client-guardduty";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { expect } from "chai";
import { allow, document, makeRole } from "./support/functions";
import { errorOf, localEmu, MEMBER, REGION, rootOf, unique, type Clients } from "./support/localAws";

describe("LocalEmu: what a preflight asks", function () {
    this.timeout(30_000);
    let aws: Clients;
    let config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
    before(async function () {
        this.timeout(300_000);
        const { endpoint } = await localEmu();
        aws = await rootOf(MEMBER);
        config = { endpoint, region: REGION, credentials: { accessKeyId: MEMBER, secretAccessKey: "x" } };
    });

    it("a dry run in EC2 says that the call would succeed, and does nothing", async () => {
        const VpcId = (await aws.ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/24" }))).Vpc!.VpcId!;
        const GroupName = unique("dry");
        const asked = new CreateSecurityGroupCommand({ GroupName, Description: "never made", VpcId, DryRun: true });
        expect(await errorOf(aws.ec2.send(asked))).to.equal("DryRunOperation");
        const { SecurityGroups } = await aws.ec2.send(
            new DescribeSecurityGroupsCommand({ Filters: [{ Name: "group-name", Values: [GroupName] }] }),
        );
        expect(SecurityGroups).to.deep.equal([]);
    });

    it("a dry run in KMS says so too, but for a key that could not be used", async () => {
        const KeyId = (await aws.kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
        const ask = () => aws.kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: "AES_256", DryRun: true }));
        expect(await errorOf(ask())).to.equal("DryRunOperationException");
        await aws.kms.send(new DisableKeyCommand({ KeyId }));
        expect(await errorOf(ask())).to.equal("DisabledException");
    });

    it("a role's policies are simulated with their conditions and its permissions boundary", async () => {
        const condition = { StringEquals: { "aws:RequestTag/purpose": "test" } };
        const role = await makeRole(aws, { AWS: MEMBER }, [
            { ...allow("ec2:CreateVolume", "*"), Condition: condition },
            allow("ec2:DeleteVolume", "arn:aws:ec2:*:*:volume/vol-1"),
        ]);
        const decide = async (action: string, ResourceArns?: string[], ContextEntries: ContextEntry[] = []) => {
            const { EvaluationResults: [result] = [] } = await aws.iam.send(
                new SimulatePrincipalPolicyCommand({ PolicySourceArn: role, ActionNames: [action], ResourceArns, ContextEntries }),
            );
            return { decision: result!.EvalDecision, boundary: result!.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary };
        };
        const tag: ContextEntry[] = [{ ContextKeyName: "aws:RequestTag/purpose", ContextKeyType: "string", ContextKeyValues: ["test"] }];
        expect((await decide("ec2:CreateVolume", undefined, tag)).decision).to.equal("allowed");
        expect((await decide("ec2:CreateVolume")).decision).to.equal("implicitDeny");
        expect((await decide("ec2:DeleteVolume", [`arn:aws:ec2:${REGION}:${MEMBER}:volume/vol-1`])).decision).to.equal("allowed");
        expect((await decide("ec2:DeleteVolume", [`arn:aws:ec2:${REGION}:${MEMBER}:volume/vol-2`])).decision).to.equal("implicitDeny");

        const { Policy } = await aws.iam.send(
            new CreatePolicyCommand({ PolicyName: unique("boundary"), PolicyDocument: document(allow("s3:GetObject", "*")) }),
        );
        await aws.iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: role.split("/").at(-1)!, PermissionsBoundary: Policy!.Arn! }));
        expect(await decide("ec2:CreateVolume", undefined, tag)).to.deep.equal({ decision: "implicitDeny", boundary: false });
        const nobody = new SimulatePrincipalPolicyCommand({
            PolicySourceArn: `arn:aws:iam::${MEMBER}:role/nobody`,
            ActionNames: ["s3:GetObject"],
        });
        expect(await errorOf(aws.iam.send(nobody))).to.match(/^NoSuchEntity/);
    });

    it("knows the quotas that the response meets, and none that AWS has not", async () => {
        const quotas = new ServiceQuotasClient(config);
        const value = async (ServiceCode: string, QuotaCode: string) =>
            (await quotas.send(new GetServiceQuotaCommand({ ServiceCode, QuotaCode }))).Quota?.Value;
        expect(await value("ec2", "L-1216C47A")).to.equal(5);
        expect(await value("lambda", "L-B99A9384")).to.equal(1000);
        expect(await value("ebs", "L-309BACF6")).to.equal(100_000);
        expect(await value("vpc", "L-29B6F2EB")).to.equal(50);
        expect(await errorOf(value("ebs", "L-00000000"))).to.equal("NoSuchResourceException");
    });

    it("marks sample findings, which are about an instance that no account has", async () => {
        const guardDuty = new GuardDutyClient({ ...config, region: "eu-west-3" });
        const { DetectorId } = await guardDuty.send(new CreateDetectorCommand({ Enable: true }));
        await guardDuty.send(new CreateSampleFindingsCommand({ DetectorId, FindingTypes: ["Backdoor:EC2/C&CActivity.B"] }));
        const { FindingIds } = await guardDuty.send(new ListFindingsCommand({ DetectorId }));
        const { Findings } = await guardDuty.send(new GetFindingsCommand({ DetectorId, FindingIds }));
        expect(Findings![0]!.Resource!.InstanceDetails!.InstanceId).to.equal("i-99999999");
        expect(Findings![0]!.Service!.AdditionalInfo!.Value).to.equal('{"sample":true}');
    });
});
