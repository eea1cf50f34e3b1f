/** The one place that makes a callback Lambda: bundle, closure, role, log group, dead letters. */
import path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Statement } from "../functions/aws/permissions";
import { bundleOf } from "./bundles";
import { functionRoleName } from "./names";

const archives = new Map<string, Promise<pulumi.asset.AssetArchive>>();

/** File of the closure in the archive, and what Lambda calls in it. */
const entry = "__index";
const exportName = "handler";

/**
 * The callback serialised by Pulumi, with its bundle, once a program run.
 *
 * It is the archive of `aws.lambda.CallbackFunction`, which however reads all of node_modules for each function and each
 * Region: the 220 functions of 17 Regions then end with "too many open files", to find packages that are all left out.
 */
async function archive(name: string): Promise<pulumi.asset.AssetArchive> {
    const module = bundleOf(name);
    const { text } = await pulumi.runtime.serializeFunction(() => require(module).handler, { exportName, isFactoryFunction: true });
    return new pulumi.asset.AssetArchive({
        [`${entry}.js`]: new pulumi.asset.StringAsset(text),
        [path.posix.normalize(module)]: new pulumi.asset.FileArchive(module),
    });
}

function archiveOnce(name: string): Promise<pulumi.asset.AssetArchive> {
    if (!archives.has(name)) archives.set(name, archive(name));
    return archives.get(name)!;
}

/** Lambda's limit for the names and values of a function's variables together, in bytes. */
const environmentLimit = 4096;

/** Bytes of a function's variables, names and values. @throws when AWS would refuse them, and says which are the largest */
export function environmentBytes(functionName: string, variables: Record<string, string>): number {
    // A stand-in for AWS leaves out what only AWS computes, such as a document's version.
    const sizes = Object.entries(variables as Record<string, string | undefined>)
        .map(([name, value = ""]) => [name, Buffer.byteLength(name) + Buffer.byteLength(value)] as const)
        .sort((left, right) => right[1] - left[1]);
    const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
    if (bytes <= environmentLimit) return bytes;
    const largest = sizes
        .slice(0, 3)
        .map(([name, size]) => `${name} (${size})`)
        .join(", ");
    throw new Error(
        `The environment of ${functionName} has ${bytes} bytes and Lambda takes ${environmentLimit}. The largest: ${largest}. Shorten what the stack's configuration puts there, such as containment.rules or support.ccEmails.`,
    );
}

export interface CallbackArgs {
    /** File in `functions/` without its ending; also the function's name. */
    readonly handler: string;
    /** Name of the function in AWS. */
    readonly functionName: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** What it is for, in one sentence; AWS shows it. */
    readonly description: string;
    /** What it reads of its environment, and nothing else. */
    readonly environment: Record<string, pulumi.Input<string>>;
    /** What the function's role may do besides writing its own log and its dead letters. */
    readonly statements: readonly pulumi.Input<Statement>[];
    /** Seconds, 1 to 900. @default 60 */
    readonly timeoutSeconds?: number;
    /** MiB; the processor share grows with it. @default 512 */
    readonly memoryMiB?: number;
    /** Queue of events that the function could not be given, or failed with to the last try. */
    readonly deadLetterQueueArn: pulumi.Input<string>;
    /** Key of the dead-letter queue, the notification topic, the webhook parameter and the log. */
    readonly messageKeyArn: pulumi.Input<string>;
    /** Days that its log is kept. */
    readonly logRetentionDays: number;
}

/** A callback Lambda with a role of its own. */
export class Callback extends pulumi.ComponentResource {
    readonly function: aws.lambda.Function;
    readonly role: aws.iam.Role;

    constructor(name: string, args: CallbackArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Callback", name, {}, opts);
        const parent = { parent: this };
        const logGroup = new aws.cloudwatch.LogGroup(
            name,
            { name: `/aws/lambda/${args.functionName}`, retentionInDays: args.logRetentionDays, kmsKeyId: args.messageKeyArn },
            parent,
        );
        this.role = new aws.iam.Role(
            name,
            {
                name: functionRoleName(args.handler, args.region),
                description: args.description,
                assumeRolePolicy: JSON.stringify({
                    Version: "2012-10-17",
                    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
                }),
            },
            parent,
        );
        const policy = new aws.iam.RolePolicy(
            name,
            {
                role: this.role.name,
                // An object and not its text, so that a policy pack sees at preview every statement but those that name what is not made yet.
                policy: {
                    Version: "2012-10-17",
                    Statement: [
                        {
                            Sid: "WriteOwnLog",
                            Effect: "Allow",
                            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
                            Resource: [pulumi.interpolate`${logGroup.arn}:*`],
                        },
                        { Sid: "LeaveDeadLetters", Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [args.deadLetterQueueArn] },
                        {
                            Sid: "UseMessageKey",
                            Effect: "Allow",
                            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
                            Resource: [args.messageKeyArn],
                        },
                        ...args.statements,
                    ],
                },
            },
            parent,
        );
        this.function = new aws.lambda.Function(
            name,
            {
                name: args.functionName,
                description: args.description,
                role: this.role.arn,
                runtime: aws.lambda.Runtime.NodeJS24dX,
                architectures: ["arm64"],
                timeout: args.timeoutSeconds ?? 60,
                memorySize: args.memoryMiB ?? 512,
                // Each by itself: one value that is not known yet must not hide the others in a preview.
                environment: { variables: args.environment },
                deadLetterConfig: { targetArn: args.deadLetterQueueArn },
                code: pulumi.output(archiveOnce(args.handler)),
                handler: `${entry}.${exportName}`,
            },
            { parent: this, dependsOn: [policy, logGroup] },
        );
        this.registerOutputs({
            function: this.function,
            role: this.role,
            environmentBytes: pulumi.all(args.environment).apply((variables) => environmentBytes(args.functionName, variables)),
        });
    }
}
