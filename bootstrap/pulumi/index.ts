/**
 * The templates of bootstrap/ for those who deploy by Pulumi: one Pulumi stack for each account and template, run by somebody with administrator
 * rights there. The template itself is deployed, so that there is one text of these roles, and CloudFormation takes all of it or nothing.
 *
 *     pulumi config set template member
 *     pulumi config set --path parameters.DeploymentPrincipalArn arn:aws:iam::111111111111:role/clean-room-deployment
 */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { readTemplate, type TemplateName } from "./template";

/** Those that may stand in an account beside another. */
const stackNames: Partial<Record<TemplateName, string>> = {
    operators: "clean-room-operators",
    "guardduty-administrator": "clean-room-guardduty-read",
};

const config = new pulumi.Config();
const name = config.require<TemplateName>("template");
const { body, parameters } = readTemplate(name, config.getObject<Record<string, unknown>>("parameters") ?? {});

const stack = new aws.cloudformation.Stack(
    "bootstrap",
    {
        // As bootstrap/README.md names them: a stack that was made by the AWS CLI can be taken over by `pulumi import`.
        name: stackNames[name] ?? "clean-room-bootstrap",
        templateBody: body,
        parameters,
        capabilities: ["CAPABILITY_NAMED_IAM"],
        tags: config.getObject<Record<string, string>>("tags"),
    },
    // Without the deployment role the program could not even be taken down.
    { protect: config.getBoolean("protect") ?? true },
);

/** Id of the CloudFormation stack. */
export const stackId = stack.id;
