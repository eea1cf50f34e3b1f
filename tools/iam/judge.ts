/** Holds what a role may do against what its code can ask for. Pure. */
import type { Statement } from "../../functions/aws/permissions";
import { resourceProblems } from "./resources";

/** What is right although it does not look so, with its reason. */
export interface Exceptions {
    /** Action -> why it is granted on every resource although AWS could limit it. */
    everywhere: Readonly<Record<string, string>>;
    /** Action -> why it is granted though no command of the code has its name. */
    granted: Readonly<Record<string, string>>;
    /** Role -> action -> why the code that reaches the call never makes it there. */
    reached: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Subject {
    /** The function whose own role it is, or the responder role. */
    role: string;
    statements: readonly Statement[];
    /** What the same code may do by other roles. */
    elsewhere: readonly Statement[];
    /** IAM actions that the code which acts as this role can need. */
    needed: ReadonlySet<string>;
}

export interface Judgement {
    /** Pairs of role and action that were looked at. */
    grants: number;
    /** A sentence each; none is what is wanted. */
    problems: string[];
}

const allowed = (statements: readonly Statement[]): Set<string> =>
    new Set(statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action));

/** @returns every grant that no code can use, every call that nobody granted, and every exception that has become untrue */
export function judge(subjects: readonly Subject[], exceptions: Exceptions): Judgement {
    const problems: string[] = [];
    const used = { granted: new Set<string>(), reached: new Set<string>() };
    let grants = 0;
    for (const { role, statements, elsewhere, needed } of subjects) {
        const granted = allowed(statements);
        const everything = new Set([...granted, ...allowed(elsewhere)]);
        const excused = exceptions.reached[role] ?? {};
        grants += granted.size;
        problems.push(...resourceProblems(role, statements, exceptions.everywhere));
        for (const action of granted) {
            if (action.includes("*")) problems.push(`${role} is granted ${action}: name the actions.`);
            else if (needed.has(action)) continue;
            else if (exceptions.granted[action] !== undefined) used.granted.add(action);
            else
                problems.push(
                    `${role} is granted ${action}, which nothing in its code asks for: take it away, or say why in tools/iam/exceptions.json.`,
                );
        }
        for (const action of needed) {
            if (everything.has(action)) continue;
            if (excused[action] !== undefined) used.reached.add(`${role} ${action}`);
            else
                problems.push(
                    `${role} can ask for ${action}, which no role of its grants: AWS would refuse it in an incident. Grant it, or say in tools/iam/exceptions.json why it is never asked for.`,
                );
        }
    }
    for (const action of Object.keys(exceptions.granted))
        if (!used.granted.has(action))
            problems.push(`tools/iam/exceptions.json excuses the grant of ${action}, which nobody needs to excuse: take the line out.`);
    for (const [role, actions] of Object.entries(exceptions.reached))
        for (const action of Object.keys(actions))
            if (!used.reached.has(`${role} ${action}`))
                problems.push(
                    `tools/iam/exceptions.json says that ${role} never asks for ${action}, and its code cannot or its role may: take the line out.`,
                );
    return { grants, problems };
}
