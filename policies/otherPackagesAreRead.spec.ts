import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { policies } from "./pack";
import { judge, typed, unknownString, type Declared } from "./testing/engine";

/** Violations of the whole pack, each with the policy's name before it. */
async function all(...stack: Declared[]): Promise<string[]> {
    const found: string[] = [];
    for (const policy of policies) {
        found.push(...(await judge(policy, stack)).violations.map((message) => `${policy.name}: ${message}`));
    }
    return found;
}

const resource = (Type: string, Properties: object = {}): object => ({ Type, Properties });
const template = (Resources: object, more: object = {}): string => JSON.stringify({ Resources, ...more });
const stackSet = (templateBody: string): Declared => ({ is: aws.cloudformation.StackSet, name: "member", props: { templateBody } });
const cloudControl = (typeName: string, desiredState: unknown, refs: string[] = []): Declared => ({
    is: aws.cloudcontrol.Resource,
    name: "control",
    props: { typeName, desiredState: typeof desiredState === "object" ? JSON.stringify(desiredState) : desiredState },
    refs: { desiredState: refs },
});
const vpc: Declared = { is: aws.ec2.Vpc, name: "clean-room", props: { id: unknownString, tags: { "clean-room:role": "clean-room" } } };
const isolation: Declared = {
    is: aws.ec2.SecurityGroup,
    name: "isolation",
    props: { id: "sg-1", ingress: [], egress: [], tags: { "clean-room:role": "isolation" } },
};
const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const trustOf = (AWS: string): object => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS }, Action: "sts:AssumeRole" }],
});

describe("policy other-packages-are-read", () => {
    it("does not take Cloud Control's bucket policy that is not known yet for something in a network", async () => {
        expect(await all(vpc, cloudControl("AWS::S3::BucketPolicy", unknownString))).to.deep.equal([]);
    });

    it("judges a choice in a template (Fn::If) with each of its outcomes, and with what it may leave out", async () => {
        const nothing = { Ref: "AWS::NoValue" };
        const ours = { AWS: "arn:aws:iam::111111111111:root" };
        const publish = (more: object) => ({ Effect: "Allow", Principal: ours, Action: "sns:Publish", Resource: "*", ...more });
        const refused = async (statement: object) => {
            const properties = { Topics: ["arn:aws:sns:eu-west-1:111111111111:t"], PolicyDocument: { Statement: [statement] } };
            return (await all(stackSet(template({ T: resource("AWS::SNS::TopicPolicy", properties) })))).length;
        };
        const either = (...outcomes: unknown[]) => ({ "Fn::If": ["Choice", ...outcomes] });
        const bound = { StringEquals: { "aws:PrincipalAccount": "111111111111" } };
        expect(await refused(publish({}))).to.equal(0);
        expect(await refused(publish({ Principal: either(ours, "*") }))).to.equal(1);
        expect(await refused(publish({ Principal: "*", Effect: either("Deny", "Allow") }))).to.equal(1);
        expect(await refused(publish({ Principal: "*", Condition: bound }))).to.equal(0);
        expect(await refused(publish({ Principal: "*", Condition: either(bound, nothing) }))).to.equal(1);
        expect(await refused(either(publish({ Principal: "*" }), nothing))).to.equal(1);
        expect(await refused(publish({ Principal: { AWS: either(ours.AWS, "222222222222") } }))).to.equal(0);
    });

    const bad: [what: string, policy: string, stack: Declared[]][] = [
        [
            "an egress rule by Cloud Control",
            "isolation-group-has-no-rules",
            [isolation, cloudControl("AWS::EC2::SecurityGroupEgress", { GroupId: "sg-1", IpProtocol: "-1", CidrIp: "0.0.0.0/0" })],
        ],
        [
            "an ingress rule by Cloud Control that is not known yet",
            "isolation-group-has-no-rules",
            [isolation, cloudControl("AWS::EC2::SecurityGroupIngress", unknownString, ["isolation"])],
        ],
        [
            "a gateway by Cloud Control that is not known yet",
            "clean-room-has-no-gateway",
            [vpc, cloudControl("AWS::EC2::VPCGatewayAttachment", unknownString, ["clean-room"])],
        ],
        [
            "a gateway by aws-native",
            "clean-room-has-no-gateway",
            [
                vpc,
                {
                    is: typed("aws-native:ec2:NatGateway"),
                    name: "nat",
                    props: { subnetId: unknownString },
                    refs: { subnetId: ["clean-room"] },
                },
            ],
        ],
        [
            "a route by aws-native",
            "clean-room-has-no-route-out",
            [{ is: typed("aws-native:ec2:Route"), name: "out", props: { destinationCidrBlock: "0.0.0.0/0", routeTableId: "rtb-1" } }],
        ],
        [
            "a role of everything in a StackSet",
            "role-has-no-wildcards",
            [
                stackSet(
                    template({
                        Admin: resource("AWS::IAM::Role", {
                            AssumeRolePolicyDocument: trustOf("111111111111"),
                            Policies: [{ PolicyName: "all", PolicyDocument: everything }],
                        }),
                    }),
                ),
            ],
        ],
        [
            "a role trusting a stranger in a StackSet",
            "nothing-is-public",
            [stackSet(template({ Theirs: resource("AWS::IAM::Role", { AssumeRolePolicyDocument: trustOf("666666666666") }) }))],
        ],
        [
            "a stranger by parameter",
            "nothing-is-public",
            [
                stackSet(
                    template(
                        { Theirs: resource("AWS::IAM::Role", { AssumeRolePolicyDocument: trustOf("x") }) },
                        { Parameters: { P: { Default: "666666666666" } } },
                    ).replace('"x"', '{"Ref":"P"}'),
                ),
            ],
        ],
        [
            "an administrator in a stack's YAML",
            "no-full-access-policy",
            [
                {
                    is: aws.cloudformation.Stack,
                    name: "old",
                    props: {
                        templateBody:
                            "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      ManagedPolicyArns: [!Sub 'arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess']\n",
                    },
                },
            ],
        ],
        [
            "an internet gateway of a template's own VPC",
            "clean-room-has-no-gateway",
            [
                stackSet(
                    template({
                        V: resource("AWS::EC2::VPC", { CidrBlock: "10.0.0.0/24" }),
                        A: resource("AWS::EC2::VPCGatewayAttachment", { VpcId: { Ref: "V" }, InternetGatewayId: "igw-1" }),
                    }),
                ),
            ],
        ],
        [
            "a group that leaves AWS's own egress rule",
            "isolation-group-has-no-rules",
            [cloudControl("AWS::EC2::SecurityGroup", { GroupName: "clean-room-isolation", VpcId: "vpc-1" })],
        ],
        [
            "a key by Cloud Control",
            "kms-key-rotates-and-stays",
            [cloudControl("AWS::KMS::Key", { KeyPolicy: everything, EnableKeyRotation: false })],
        ],
        ["a log group for ever", "log-group-retains", [cloudControl("AWS::Logs::LogGroup", { LogGroupName: "/x" })]],
        ["a type nobody has read", "other-packages-are-read", [cloudControl("AWS::Wisdom::Assistant", { Name: "x" })]],
        ["a type that is not known", "other-packages-are-read", [cloudControl(unknownString, {})]],
        ["a state that is no JSON", "other-packages-are-read", [cloudControl("AWS::EC2::NatGateway", "{")]],
        [
            "a template elsewhere",
            "other-packages-are-read",
            [{ is: aws.cloudformation.Stack, name: "old", props: { templateUrl: "https://bucket.s3.amazonaws.com/t.json" } }],
        ],
        [
            "a template of macros",
            "other-packages-are-read",
            [
                stackSet(
                    template({ F: resource("AWS::Logs::LogGroup", { RetentionInDays: 90 }) }, { Transform: "AWS::Serverless-2016-10-31" }),
                ),
            ],
        ],
        ["a template that is none", "other-packages-are-read", [stackSet("{ no: [")]],
        [
            "a stack within a stack",
            "other-packages-are-read",
            [stackSet(template({ S: resource("AWS::CloudFormation::Stack", { TemplateURL: "https://x" }) }))],
        ],
        [
            "a product of a catalogue",
            "other-packages-are-read",
            [{ is: aws.servicecatalog.ProvisionedProduct, name: "vpc", props: { productName: "vpc" } }],
        ],
        [
            "another package",
            "other-packages-are-read",
            [{ is: typed("command:local:Command"), name: "run", props: { create: "aws ec2 …" } }],
        ],
        [
            "Azure",
            "other-packages-are-read",
            [{ is: typed("azure-native:network:VirtualNetwork"), name: "net", props: { location: "x" }, provider: {} }],
        ],
    ];
    for (const [what, policy, stack] of bad) {
        it(`refuses ${what}`, async () => {
            const names = (await all(...stack)).map((message) => message.split(":")[0]);
            expect(names).to.include(policy);
        });
    }

    it("names the resource within, and tells it of the one that brings it", async () => {
        const [message] = await all(stackSet(template({ Log: resource("AWS::Logs::LogGroup", { LogGroupName: "/x" }) })));
        expect(message).to.match(/^log-group-retains: Within "member": Log group "Log" has retentionInDays = undefined/);
    });

    it("accepts a sound template, in JSON and YAML, with references and pseudo parameters", async () => {
        const sound = {
            Queue: resource("AWS::SQS::Queue", { SqsManagedSseEnabled: true }),
            Role: resource("AWS::IAM::Role", {
                AssumeRolePolicyDocument: trustOf("111111111111"),
                Policies: [
                    {
                        PolicyName: "send",
                        PolicyDocument: {
                            Version: "2012-10-17",
                            Statement: [{ Effect: "Allow", Action: ["sqs:SendMessage"], Resource: { "Fn::GetAtt": ["Queue", "Arn"] } }],
                        },
                    },
                ],
            }),
            Own: resource("AWS::IAM::Role", {
                AssumeRolePolicyDocument: {
                    Statement: [
                        {
                            Effect: "Allow",
                            Principal: { AWS: { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" } },
                            Action: "sts:AssumeRole",
                        },
                    ],
                },
            }),
            Log: resource("AWS::Logs::LogGroup", { RetentionInDays: 90 }),
            Profile: resource("AWS::IAM::InstanceProfile", { Roles: [{ Ref: "Role" }] }),
        };
        expect(await all(stackSet(template(sound)))).to.deep.equal([]);
        const yaml =
            "Resources:\n  Log:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      LogGroupName: !Join ['/', ['', clean-room, !Ref AWS::Region]]\n      RetentionInDays: 90\n";
        expect(await all(stackSet(yaml))).to.deep.equal([]);
    });

    it("waits for a template that is not known, and for nothing else", async () => {
        const policy = policies.find(({ name }) => name === "other-packages-are-read")!;
        const { violations, deferred } = await judge(policy, [stackSet(unknownString)]);
        expect(violations).to.be.empty;
        expect(deferred).to.have.length(1);
    });

    it("accepts components of the program, packages that reach nothing, and those that somebody looked at", async () => {
        const policy = policies.find(({ name }) => name === "other-packages-are-read")!;
        const component: Declared = { is: typed("acme:net:Team"), name: "team", props: {} };
        const random: Declared = { is: typed("random:index/randomId:RandomId"), name: "id", props: { byteLength: 4 } };
        const looked: Declared = { is: typed("datadog:index/monitor:Monitor"), name: "monitor", props: { type: "x" } };
        expect((await judge(policy, [component, random])).violations).to.be.empty;
        expect((await judge(policy, [looked])).violations).to.have.length(1);
        expect((await judge(policy, [looked], { allowedPackages: ["datadog"] })).violations).to.be.empty;
    });
});
