/** One stack an account and Region: a parameter says which, and a second one is refused by name before it makes anything. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Path of the marker; nothing else lies below it. */
export const markerPath = "/clean-room/deployed-by";
const markerName = `${markerPath}/stack`;

/** Project and stack, as Pulumi names them. */
export const ownStack = (): string => `${pulumi.getProject()}/${pulumi.getStack()}`;

/** @throws when another stack is there */
export function requireOwn(found: readonly string[] | undefined, own: string, where: string): string {
    // A stand-in for AWS that does not know the question gives it back.
    const other = (found ?? []).find((each) => each !== own);
    if (other !== undefined)
        throw new Error(
            `The stack ${other} is deployed in ${where} already (SSM parameter ${markerName}), and names are fixed: two would take each other's resources. Give ${own} another account or Region, or destroy ${other} first. If that stack is gone, delete the parameter.`,
        );
    return own;
}

/** Marks a Region of the forensics account as this stack's. */
export class StackMarker extends pulumi.ComponentResource {
    constructor(name: string, { accountId, region }: { accountId: string; region: string }, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:StackMarker", name, {}, opts);
        const parent = { parent: this };
        // Asked in a preview too, which comes before every update.
        const found = aws.ssm.getParametersByPathOutput({ path: markerPath, region }, parent).values;
        new aws.ssm.Parameter(
            name,
            {
                name: markerName,
                type: "String",
                description: "The Pulumi stack that the clean room of this account and Region belongs to",
                value: pulumi
                    .unsecret(found)
                    .apply((values) => requireOwn(values as string[] | undefined, ownStack(), `account ${accountId}, ${region}`)),
            },
            parent,
        );
        this.registerOutputs();
    }
}
