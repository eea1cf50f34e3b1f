/** A Standard state machine that logs every transition, with a role that may write error objects and what its tasks need. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config";
import { policyDocument, trustService } from "../policyDocument";
import { errorEnding, incidentsRoot } from "../../functions/domain/evidenceKeys";

export interface StateMachineArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Its name in AWS. */
    readonly stateMachineName: string;
    /** What it is for, in one sentence; AWS shows it. */
    readonly description: string;
    /** Functions that its tasks call. */
    readonly functionArns: pulumi.Input<pulumi.Input<string>[]>;
    /** Bucket that error objects are written to. */
    readonly evidenceBucket: aws.s3.Bucket;
    /** Key that evidence is encrypted under. */
    readonly evidenceKeyArn: pulumi.Input<string>;
    /** Key that the log is encrypted under. */
    readonly messageKeyArn: pulumi.Input<string>;
    /** Amazon States Language. */
    readonly definition: pulumi.Input<object>;
}

export class StateMachine extends pulumi.ComponentResource {
    readonly stateMachine: aws.sfn.StateMachine;

    constructor(name: string, args: StateMachineArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:StateMachine", name, {}, opts);
        const parent = { parent: this };
        const log = new aws.cloudwatch.LogGroup(
            name,
            {
                name: `/aws/vendedlogs/states/${args.stateMachineName}`,
                retentionInDays: args.settings.logRetentionDays,
                kmsKeyId: args.messageKeyArn,
            },
            parent,
        );
        const role = new aws.iam.Role(
            name,
            { description: args.description, assumeRolePolicy: trustService("states.amazonaws.com", args.settings.forensics.accountId) },
            parent,
        );
        const policy = new aws.iam.RolePolicy(
            name,
            {
                role: role.id,
                policy: policyDocument([
                    { Sid: "CallSteps", Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: args.functionArns },
                    {
                        Sid: "WriteErrorObjects",
                        Effect: "Allow",
                        Action: ["s3:PutObject"],
                        Resource: [pulumi.interpolate`${args.evidenceBucket.arn}/${incidentsRoot}*${errorEnding}`],
                    },
                    {
                        Sid: "UseEvidenceKeyForObjects",
                        Effect: "Allow",
                        Action: ["kms:GenerateDataKey", "kms:Decrypt"],
                        Resource: [args.evidenceKeyArn],
                    },
                    {
                        // Log delivery has no resource-level permissions.
                        Sid: "DeliverLog",
                        Effect: "Allow",
                        Action: [
                            "logs:CreateLogDelivery",
                            "logs:GetLogDelivery",
                            "logs:UpdateLogDelivery",
                            "logs:DeleteLogDelivery",
                            "logs:ListLogDeliveries",
                            "logs:PutResourcePolicy",
                            "logs:DescribeResourcePolicies",
                            "logs:DescribeLogGroups",
                        ],
                        Resource: "*",
                    },
                ]),
            },
            parent,
        );
        this.stateMachine = new aws.sfn.StateMachine(
            name,
            {
                name: args.stateMachineName,
                type: "STANDARD",
                roleArn: role.arn,
                definition: pulumi.output(args.definition).apply((definition) => JSON.stringify(definition, null, 2)),
                // Every transition, without what was handed on: with it the log would hold the tokens that answer requests for approval, for whoever
                // may read logs. The data is in the execution's history, and lastingly in the evidence bucket.
                loggingConfiguration: { level: "ALL", includeExecutionData: false, logDestination: pulumi.interpolate`${log.arn}:*` },
            },
            { ...parent, dependsOn: [policy] },
        );
        this.registerOutputs({ stateMachineArn: this.stateMachine.arn });
    }
}
