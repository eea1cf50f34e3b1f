import * as aws from "@pulumi/aws";
import { Kind, foreign, late, stackSet, vpc } from "./support";

/** Other packages. */
export const kind = new Kind("packages", "Other packages");

kind.bad("native-bucket-public", "nothing-is-public", () => {
    foreign("aws-native:s3:BucketPolicy", {
        bucket: "tools",
        policyDocument: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::tools/*" }],
        },
    });
});
kind.bad("native-gateway", "clean-room-has-no-gateway", () => {
    const net = vpc();
    foreign("aws-native:ec2:VpcGatewayAttachment", { vpcId: net.id, internetGatewayId: "igw-1" });
});
kind.bad("template-yaml-public", "nothing-is-public", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: `Resources:
  B:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: tools
      PolicyDocument:
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: s3:GetObject
            Resource: !Sub "arn:\${AWS::Partition}:s3:::tools/*"
`,
    });
});
kind.bad("stackset-url", "other-packages-are-read", () => {
    new aws.cloudformation.StackSet("s", {
        permissionModel: "SERVICE_MANAGED",
        templateUrl: "https://example.com/t.json",
        autoDeployment: { enabled: true },
    });
});
kind.bad("stackset-role-wide", "role-has-no-wildcards", () => {
    stackSet(
        JSON.stringify({
            Resources: {
                R: {
                    Type: "AWS::IAM::Role",
                    Properties: {
                        AssumeRolePolicyDocument: {
                            Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
                        },
                        Policies: [
                            { PolicyName: "p", PolicyDocument: { Statement: [{ Effect: "Allow", Action: "ec2:*", Resource: "*" }] } },
                        ],
                    },
                },
            },
        }),
    );
});
kind.bad("template-macro", "other-packages-are-read", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Transform: ["AWS::LanguageExtensions"],
            Resources: { "Fn::ForEach::X": ["N", ["a"], { "P${N}": { Type: "AWS::SNS::Topic" } }] },
        }),
    });
});
kind.bad("kubernetes-package", "other-packages-are-read", () => {
    foreign("kubernetes:core/v1:Service", { spec: { type: "LoadBalancer" } });
});
kind.good("native-good", () => {
    foreign("aws-native:logs:LogGroup", { logGroupName: "/clean-room/x", retentionInDays: 90 });
});
kind.bad("template-condition-role", "nothing-is-public", () => {
    new aws.cloudformation.Stack("s", {
        parameters: { P: "*" },
        templateBody: JSON.stringify({
            Parameters: { P: { Type: "String" } },
            Resources: {
                T: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [{ Effect: "Allow", Principal: { AWS: { Ref: "P" } }, Action: "sns:Publish", Resource: "*" }],
                        },
                    },
                },
            },
        }),
    });
});
kind.good("random-package", () => {
    foreign("random:index/randomId:RandomId", { byteLength: 4 });
});
kind.bad("native-topic-policy", "nothing-is-public", () => {
    foreign("aws-native:sns:TopicPolicy", {
        topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
        policyDocument: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: { AWS: "666666666666" }, Action: "sns:Publish", Resource: "*" }],
        },
    });
});
kind.bad("native-role-wild", "role-has-no-wildcards", () => {
    foreign("aws-native:iam:Role", {
        assumeRolePolicyDocument: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
        },
        policies: [{ policyName: "x", policyDocument: { Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] } }],
    });
});
kind.bad("native-function", ["lambda-has-dead-letter-and-timeout", "log-group-retains"], () => {
    foreign("aws-native:lambda:Function", {
        role: "arn:aws:iam::111111111111:role/x",
        code: { zipFile: "x" },
        handler: "a.b",
        runtime: "nodejs24.x",
    });
});
kind.bad("native-unknown-type", "other-packages-are-read", () => {
    foreign("aws-native:quantumledger:Ledger", { name: "x" });
});
kind.bad("cloudcontrol-snapshot-unknown", "nothing-is-public", () => {
    new aws.cloudcontrol.Resource("c", {
        typeName: "AWS::S3::BucketPolicy",
        desiredState: late().apply(() =>
            JSON.stringify({
                Bucket: "tools",
                PolicyDocument: { Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" }] },
            }),
        ),
    });
});
kind.bad("cloudcontrol-typename-unknown", "other-packages-are-read", () => {
    new aws.cloudcontrol.Resource("c", { typeName: late(), desiredState: "{}" });
});
kind.bad("stack-nested", "other-packages-are-read", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Resources: { N: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "https://x" } } },
        }),
    });
});
kind.bad("stack-custom-resource", "other-packages-are-read", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Resources: { N: { Type: "Custom::Opens", Properties: { ServiceToken: "arn:aws:lambda:eu-west-1:111111111111:function:f" } } },
        }),
    });
});
kind.good("stack-unknown-body", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: late().apply(() =>
            JSON.stringify({
                Resources: { T: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/clean-room/x", RetentionInDays: 90 } } },
            }),
        ),
    });
});
kind.bad("stackset-sg-open", ["clean-room-egress-is-named", "isolation-group-has-no-rules", "nothing-is-public"], () => {
    stackSet(
        JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::EC2::SecurityGroup",
                    Properties: {
                        GroupName: "clean-room-isolation",
                        GroupDescription: "x",
                        VpcId: "vpc-1",
                        SecurityGroupIngress: [{ IpProtocol: "-1", CidrIp: "0.0.0.0/0" }],
                    },
                },
            },
        }),
    );
});
kind.bad("stackset-param-if", "nothing-is-public", () => {
    stackSet(
        JSON.stringify({
            Conditions: { C: { "Fn::Equals": ["a", "b"] } },
            Resources: {
                G: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [
                                {
                                    Effect: "Allow",
                                    Principal: { "Fn::If": ["C", { AWS: "arn:aws:iam::111111111111:root" }, "*"] },
                                    Action: "sns:Publish",
                                    Resource: "*",
                                },
                            ],
                        },
                    },
                },
            },
        }),
    );
});
kind.bad("if-statement-novalue", "nothing-is-public", () => {
    stackSet(
        JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [
                                {
                                    "Fn::If": [
                                        "C",
                                        { Effect: "Allow", Principal: "*", Action: "sns:Publish", Resource: "*" },
                                        { Ref: "AWS::NoValue" },
                                    ],
                                },
                            ],
                        },
                    },
                },
            },
        }),
    );
});
kind.bad("if-condition-novalue", "nothing-is-public", () => {
    stackSet(
        JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [
                                {
                                    Effect: "Allow",
                                    Principal: "*",
                                    Action: "sns:Publish",
                                    Resource: "*",
                                    Condition: {
                                        "Fn::If": [
                                            "C",
                                            { StringEquals: { "aws:PrincipalAccount": "111111111111" } },
                                            { Ref: "AWS::NoValue" },
                                        ],
                                    },
                                },
                            ],
                        },
                    },
                },
            },
        }),
    );
});
kind.bad("if-effect", "nothing-is-public", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [
                                { Effect: { "Fn::If": ["C", "Deny", "Allow"] }, Principal: "*", Action: "sns:Publish", Resource: "*" },
                            ],
                        },
                    },
                },
            },
        }),
    });
});
kind.bad("if-retention", "log-group-retains", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::Logs::LogGroup",
                    Properties: { LogGroupName: "/clean-room/x", RetentionInDays: { "Fn::If": ["C", 90, { Ref: "AWS::NoValue" }] } },
                },
            },
        }),
    });
});
kind.good("if-both-fine", () => {
    new aws.cloudformation.Stack("s", {
        templateBody: JSON.stringify({
            Resources: {
                G: {
                    Type: "AWS::Logs::LogGroup",
                    Properties: {
                        LogGroupName: "/clean-room/x",
                        RetentionInDays: 90,
                        KmsKeyId: { "Fn::If": ["C", "arn:aws:kms:eu-west-1:111111111111:key/1", { Ref: "AWS::NoValue" }] },
                    },
                },
                P: {
                    Type: "AWS::SNS::TopicPolicy",
                    Properties: {
                        Topics: ["arn:aws:sns:eu-west-1:111111111111:t"],
                        PolicyDocument: {
                            Statement: [
                                {
                                    Effect: "Allow",
                                    Principal: {
                                        AWS: { "Fn::If": ["C", "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"] },
                                    },
                                    Action: "sns:Publish",
                                    Resource: "*",
                                },
                            ],
                        },
                    },
                },
            },
        }),
    });
});
