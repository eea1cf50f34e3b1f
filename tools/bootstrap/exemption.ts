/** What service control policies must leave to the responder role, and what it does. Pure. */
import { parseSettings } from "../../infra/config";
import { responderRoleName } from "../../infra/names";
import { memberStatements } from "../../infra/steps";

/** Actions that only look: no service control policy of the usual kinds denies them, except in a Region that is denied whole. */
const looks = /^[\w-]+:(Describe|Get|List|Lookup|Search|Simulate|BatchGet|Query)/;

/** The responder's actions with every setting on that gives it one. */
export function responderActions(): string[] {
    const settings = parseSettings({
        forensics: { accountId: "111111111111" },
        regions: ["eu-west-1"],
        members: [{ accountId: "222222222222" }],
        organization: { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"] },
    });
    const statements = memberStatements({
        settings,
        partition: "aws",
        accountId: "222222222222",
        evidenceKeyArns: ["arn:aws:kms:eu-west-1:111111111111:key/evidence"],
    });
    const allowed = statements.filter(({ Effect }) => Effect === "Allow");
    return [...new Set(allowed.flatMap(({ Action }) => Action))].sort();
}

/** bootstrap/scp-exemption.json: the condition for statements that deny, and the actions that it is about. */
export function scpExemption(): object {
    const actions = responderActions();
    return {
        Condition: { ArnNotLike: { "aws:PrincipalArn": [`arn:aws:iam::*:role/${responderRoleName}`] } },
        ResponderChanges: actions.filter((action) => !looks.test(action)),
        ResponderReads: actions.filter((action) => looks.test(action)),
    };
}
