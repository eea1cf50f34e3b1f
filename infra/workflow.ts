/** The Standard state machine: one execution an incident, every transition logged. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config";
import { stateMachineName } from "./names";
import { policyDocument, trustService } from "./policyDocument";
import { stepHandlers, workflowDefinition, type StepName } from "./workflowDefinition";

export interface WorkflowArgs {
    settings: Settings;
    partition: string;
    functions: Record<string, aws.lambda.Function>;
    evidenceBucket: aws.s3.Bucket;
    evidenceKeyArn: pulumi.Input<string>;
}

export class Workflow extends pulumi.ComponentResource {
    readonly stateMachine: aws.sfn.StateMachine;

    constructor(name: string, args: WorkflowArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Workflow", name, {}, opts);
        const parent = { parent: this };
        const accountId = args.settings.forensics.accountId;
        const arns = pulumi.all(Object.fromEntries(Object.entries(stepHandlers).map(([state, handler]) => [state, args.functions[handler]!.arn]))) as unknown as pulumi.Output<Record<StepName, string>>;
        const log = new aws.cloudwatch.LogGroup(name, { name: "/aws/vendedlogs/states/clean-room-incident", retentionInDays: args.settings.logRetentionDays }, parent);
        const role = new aws.iam.Role(name, { description: "The incident workflow: call its steps, write error objects", assumeRolePolicy: trustService("states.amazonaws.com", accountId) }, parent);
        const policy = new aws.iam.RolePolicy(name, {
            role: role.name,
            policy: policyDocument([
                { Sid: "CallSteps", Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: arns.apply((each) => Object.values(each)) },
                { Sid: "WriteErrorObjects", Effect: "Allow", Action: ["s3:PutObject"], Resource: [pulumi.interpolate`${args.evidenceBucket.arn}/incidents/*.error.json`] },
                { Sid: "UseEvidenceKeyForObjects", Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: [args.evidenceKeyArn] },
                {
                    // Log delivery has no resource-level permissions.
                    Sid: "DeliverLog",
                    Effect: "Allow",
                    Action: ["logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"],
                    Resource: "*",
                },
            ]),
        }, parent);
        this.stateMachine = new aws.sfn.StateMachine(name, {
            name: stateMachineName,
            type: "STANDARD",
            roleArn: role.arn,
            definition: pulumi.all([arns, args.evidenceBucket.bucket]).apply(([functionArns, evidenceBucket]) => JSON.stringify(workflowDefinition({
                partition: args.partition,
                functionArns,
                evidenceBucket,
                analysisTimeoutSeconds: args.settings.analysis.timeoutSeconds,
            }), null, 2)),
            loggingConfiguration: { level: "ALL", includeExecutionData: true, logDestination: pulumi.interpolate`${log.arn}:*` },
        }, { ...parent, dependsOn: [policy] });
        this.registerOutputs({ stateMachineArn: this.stateMachine.arn });
    }
}
