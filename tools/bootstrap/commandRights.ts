/** The operators' rights, from what each command says that it needs: its `rights`, which tests/bootstrap holds to its code. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Statement } from "../../functions/aws/permissions";
import type { CommandSpec, OptionSpec } from "../command";
import { takesNoResource } from "../iam/resources";
import { arn } from "./statements";

const root = path.resolve(__dirname, "../..");

export interface CommandRights {
    name: string;
    /** Such as tools/approve.ts. */
    file: string;
    rights: Readonly<Record<string, readonly string[]>>;
}

/** Answer whether an instance is contained: the people on call alone, in a role of their own. */
const approving = ["approve", "deny"];

/** What each action of a command is asked on, behind `arn:PARTITION:`; the program's names are fixed (infra/names.ts). */
const account = "${AWS::AccountId}";
const resources: readonly [RegExp, readonly string[]][] = [
    [/^dynamodb:/, [`dynamodb:*:${account}:table/clean-room-incidents`, `dynamodb:*:${account}:table/clean-room-incidents/index/*`]],
    [/^s3:(List|GetBucketLocation)/, [`s3:::clean-room-evidence-${account}-*`]],
    [/^s3:/, [`s3:::clean-room-evidence-${account}-*/*`]],
    [/^kms:/, [`kms:*:${account}:key/*`]],
    [/^states:(Start|List)Execution/, [`states:*:${account}:stateMachine:clean-room-*`]],
    [/^states:/, [`states:*:${account}:execution:clean-room-*:*`]],
    [/^sns:/, [`sns:*:${account}:clean-room-findings`]],
    [/^logs:/, [`logs:*:${account}:log-group:/clean-room/analysis:*`]],
    // A snapshot has no account in its ARN.
    [/^ec2:LockSnapshot$/, ["ec2:*::snapshot/*"]],
    [/^guardduty:/, [`guardduty:*:${account}:detector/*`]],
    [/^events:/, [`events:*:${account}:rule/clean-room*`]],
    // With a delegated administrator it is the management account's.
    [/^cloudformation:/, ["cloudformation:*:*:stackset/clean-room-member:*"]],
    // What is below the organisation's root is the management account's.
    [/^organizations:/, ["*"]],
];

/** Every command of package.json that says which rights it needs, by its script's name. */
export function commandsWithRights(): CommandRights[] {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
    const files = new Set(Object.values(scripts).flatMap((script) => /tools\/\w+\.ts/.exec(script)?.[0] ?? []));
    return [...files]
        .filter((file) => /\brights\b/.test(readFileSync(path.join(root, file), "utf8")))
        .flatMap((file) =>
            Object.values(require(path.join(root, file)) as Record<string, Partial<CommandSpec<Record<string, OptionSpec>>> | undefined>)
                .filter((spec) => typeof spec === "object" && spec.rights && spec.name)
                .map((spec) => ({ name: spec!.name!, file, rights: spec!.rights! })),
        );
}

function resourcesOf(action: string, on: string): string[] {
    if (takesNoResource(action)) return ["*"];
    if (action === "lambda:InvokeFunction") {
        const names = on.match(/clean-room-\w+/g);
        if (!names) throw new Error(`A command asks for ${action} on "${on}", which names no function.`);
        return names.map((name) => `lambda:*:${account}:function:${name}`);
    }
    const found = resources.find(([pattern]) => pattern.test(action));
    if (!found) throw new Error(`A command asks for ${action} on "${on}": say in tools/bootstrap/commandRights.ts on which ARN.`);
    return [...found[1]];
}

/** Keys are used by way of the service whose data is under them; two have aliases, and are asked for themselves. */
function conditionOf(action: string): Statement["Condition"] {
    if (action === "kms:GetPublicKey") return { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/clean-room-custody" } };
    if (action.startsWith("kms:"))
        return { StringLike: { "kms:ViaService": ["dynamodb", "s3", "sns"].map((service) => `${service}.*.amazonaws.com`) } };
    return undefined;
}

/** @param who `approver`: who may answer; `operator`: everything else */
export function commandStatements(commands: readonly CommandRights[], who: "operator" | "approver"): Statement[] {
    const byKey = new Map<string, Statement>();
    for (const { name, rights } of commands) {
        if (approving.includes(name) !== (who === "approver")) continue;
        for (const [on, actions] of Object.entries(rights))
            for (const action of actions) {
                const Condition = conditionOf(action);
                const Resource = resourcesOf(action, on).map(arn);
                for (const resource of action === "lambda:InvokeFunction" ? Resource.map((each) => [each]) : [Resource]) {
                    const service = resource[0] === "*" ? "*" : action.split(":")[0]!;
                    const key = JSON.stringify([service, action === "lambda:InvokeFunction" ? "" : resource, Condition]);
                    const standing = byKey.get(key) ?? { Effect: "Allow", Action: [], Resource: [], ...(Condition ? { Condition } : {}) };
                    standing.Action = [...new Set([...standing.Action, action])].sort();
                    standing.Resource = [...new Set([...standing.Resource, ...resource])].sort();
                    byKey.set(key, standing);
                }
            }
    }
    return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, statement]) => statement);
}
