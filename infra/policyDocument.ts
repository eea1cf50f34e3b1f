/** IAM documents as AWS takes them. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";

/** A statement of a resource policy, which unlike a role's names who. */
export interface ResourceStatement {
    /** Name of the statement. */
    readonly Sid: string;
    readonly Effect: "Allow" | "Deny";
    /** Who. */
    readonly Principal: "*" | Record<string, string | string[]>;
    /** What they may do. */
    readonly Action: string | string[];
    /** On what; `*` in the policy of a resource is that resource. */
    readonly Resource: string | string[];
    /** When; all must hold. */
    readonly Condition?: Record<string, Record<string, string | string[]>>;
}

/** The JSON text of a policy, once every value in it is known. */
export function policyDocument(statements: pulumi.Input<pulumi.Input<object>[]>): pulumi.Output<string> {
    return pulumi.output(statements).apply((Statement) => JSON.stringify({ Version: "2012-10-17", Statement }));
}

/**
 * Statements each by itself, so that at preview only those wait for ARNs that name one.
 *
 * @param statements the same statements in the same order, whatever the ARNs
 */
export function statementsKnownEarly<T extends object>(
    statements: (...arns: string[]) => T[],
    ...arns: pulumi.Output<string>[]
): pulumi.Input<T>[] {
    const [one, other] = ["one", "other"].map((each) => statements(...arns.map(() => each))) as [T[], T[]];
    return one.map((statement, index) =>
        isDeepStrictEqual(statement, other[index])
            ? statement
            : (pulumi.all(arns).apply((known) => statements(...known)[index]!) as pulumi.Input<T>),
    );
}

/** A role's trust in one AWS service, bound to this account (the confused deputy). */
export function trustService(service: string, accountId?: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Principal: { Service: service },
                Action: "sts:AssumeRole",
                ...(accountId ? { Condition: { StringEquals: { "aws:SourceAccount": accountId } } } : {}),
            },
        ],
    });
}
