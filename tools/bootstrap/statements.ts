/** Statements of the roles: what types need, joined by resource and split into policies that IAM takes. Pure. */
import type { Statement } from "../../functions/aws/permissions";
import { takesNoResource } from "../iam/resources";
import { groups, invokeRights, typeRights, type Group } from "./typeRights";

/** Characters of a managed policy without white space, by IAM's quotas. */
export const mostCharacters = 6144;
/** Managed policies of a role, by IAM's default quota. */
export const mostPolicies = 10;

/** The longest that a parameter may become (infra/config.ts): sizes are reckoned with them. */
export const longestParameters: Record<string, string> = {
    "AWS::Partition": "aws-us-gov",
    "AWS::AccountId": "1".repeat(12),
    RolePath: `/${"x".repeat(30)}/`,
    PermissionsBoundaryName: "x".repeat(128),
    CustodianRoleName: "x".repeat(64),
};

/** `lambda:GetFunction ListTags sqs:GetQueueUrl` as actions; a service holds until the next one. */
export function actionsIn(text: string): string[] {
    let service = "";
    return text
        .split(" ")
        .filter(Boolean)
        .map((word) => {
            if (!word.includes(":")) return `${service}:${word}`;
            service = word.slice(0, word.indexOf(":"));
            return word;
        });
}

export const arn = (behindPartition: string) => (behindPartition === "*" ? "*" : `arn:\${AWS::Partition}:${behindPartition}`);

/** A document's size with the longest parameters. */
export function sizeOf(statements: readonly Statement[]): number {
    const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    return text.replace(/\$\{([\w:]+)\}/g, (_, name: string) => longestParameters[name] ?? name).length;
}

/** Actions on the same resources become one statement. */
class Joined {
    private readonly byResources = new Map<string, Set<string>>();

    add(actions: readonly string[], on: readonly string[]): void {
        for (const action of actions) {
            const resources = takesNoResource(action) ? ["*"] : on.map(arn);
            if (resources.length === 0) throw new Error(`tools/bootstrap/typeRights.ts grants ${action} on nothing.`);
            // A statement for each service: each names resources of its own.
            const key = JSON.stringify([resources[0] === "*" ? "*" : action.split(":")[0], [...resources].sort()]);
            this.byResources.set(key, (this.byResources.get(key) ?? new Set()).add(action));
        }
    }

    statements(): Statement[] {
        return [...this.byResources]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, actions]) => ({
                Effect: "Allow",
                Action: [...actions].sort(),
                Resource: (JSON.parse(key) as [string, string[]])[1],
            }));
    }
}

/** What may be done for the types, a list for each policy. @param write false for a preview */
export function typeStatements(types: ReadonlySet<string>, write: boolean): Record<Group, Statement[]> {
    const joined = Object.fromEntries(groups.map((group) => [group, new Joined()])) as Record<Group, Joined>;
    const passed = new Map<string, Set<string>>();
    for (const type of types) {
        const rights = typeRights[type];
        if (!rights)
            throw new Error(
                `The program declares ${type}, and tools/bootstrap/typeRights.ts does not say which actions the AWS provider needs for it: add it there, from the provider's source and AWS's Service Authorization Reference.`,
            );
        const into = joined[rights.group];
        into.add(actionsIn(rights.read), rights.on);
        into.add(actionsIn(rights.readAnything ?? ""), ["*"]);
        if (!write) continue;
        into.add(actionsIn(rights.write), rights.on);
        into.add(actionsIn(rights.writeAnything ?? ""), ["*"]);
        for (const service of rights.passesRolesTo ?? []) passed.set(service, (passed.get(service) ?? new Set()).add(type));
    }
    for (const { actions, on } of Object.values(invokeRights)) joined.account.add(actionsIn(actions), on);
    const made = Object.fromEntries(groups.map((group) => [group, joined[group].statements()])) as Record<Group, Statement[]>;
    if (passed.size > 0)
        made.compute.push({
            Effect: "Allow",
            Action: ["iam:PassRole"],
            Resource: typeRights["aws:iam/role:Role"]!.on.map(arn),
            Condition: { StringEquals: { "iam:PassedToService": [...passed.keys()].sort() } },
        });
    return made;
}

/** In as few documents as IAM's size takes, in order. @throws when one statement alone is too long */
export function packed(statements: readonly Statement[]): Statement[][] {
    const documents: Statement[][] = [];
    for (const statement of statements) {
        if (sizeOf([statement]) > mostCharacters) throw new Error(`One statement is longer than a policy: ${JSON.stringify(statement)}`);
        const last = documents.at(-1);
        if (last && sizeOf([...last, statement]) <= mostCharacters) last.push(statement);
        else documents.push([statement]);
    }
    return documents;
}
