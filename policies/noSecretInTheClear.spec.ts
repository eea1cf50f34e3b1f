import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { noSecretInTheClear } from "./noSecretInTheClear";
import { judge, unknownString, type Declared } from "./testing/engine";

const hook = "https://hooks.slack.com/services/T000/B000/XXXX";
const violations = async (is: Declared["is"], props: object, name = "settings"): Promise<string[]> =>
    (await judge(noSecretInTheClear, [{ is, name, props }])).violations;
const variables = (each: object): object => ({ environment: { variables: each } });

describe("policy no-secret-in-the-clear", () => {
    it("accepts a SecureString, names of secrets, and ordinary settings", async () => {
        expect(await violations(aws.ssm.Parameter, { type: "SecureString", value: hook }, "slack-webhook")).to.be.empty;
        expect(await violations(aws.ssm.Parameter, { type: "String", name: "/clean-room/image", value: "ami-1" })).to.be.empty;
        expect(
            await violations(
                aws.lambda.Function,
                variables({
                    WEBHOOK_PARAMETER: "/clean-room/slack",
                    SECRET_ARN: "arn:aws:secretsmanager:eu-west-1:1:secret:x",
                    TOKEN_TTL_SECONDS: "900",
                    TOKEN_TABLE: "clean-room-incidents",
                    SECRETS_BUCKET: "reports",
                    BUCKET: "evidence",
                    TOPIC: unknownString,
                    RUNBOOK: "https://example.com/runbook",
                }),
            ),
        ).to.be.empty;
    });

    it("refuses secrets by what they are, wherever they stand", async () => {
        expect(await violations(aws.ssm.Parameter, { type: "String", value: hook })).to.have.length(1);
        expect(await violations(aws.ssm.Parameter, { type: "StringList", insecureValue: `a,${hook}` })).to.have.length(1);
        expect(await violations(aws.lambda.Function, variables({ CHANNEL: hook }))).to.have.length(1);
        expect(await violations(aws.ec2.Instance, { userData: "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE" })).to.have.length(1);
        expect(
            await violations(aws.ec2.Instance, { userData: "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" }),
        ).to.have.length(1);
        const userData = Buffer.from("#!/bin/sh\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n").toString(
            "base64",
        );
        expect(await violations(aws.ec2.LaunchTemplate, { userData })).to.have.length(1);
        expect(await violations(aws.ssm.Document, { content: "curl https://user:pass@example.com" })).to.have.length(1);
        expect(
            await violations(aws.codebuild.Project, {
                environment: { environmentVariables: [{ name: "X", value: "ghp_abcdefghijklmnopqrstuvwxyz0123456789" }] },
            }),
        ).to.have.length(1);
    });

    it("refuses secrets by what they are called", async () => {
        expect(await violations(aws.lambda.Function, variables({ DB_PASSWORD: "hunter2", apiKey: "abc" }))).to.have.length(2);
        expect(await violations(aws.ssm.Parameter, { type: "String", name: "/clean-room/slack-token", value: "abc" })).to.have.length(1);
    });
});
