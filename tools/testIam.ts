/** `npm run test:iam`: least privilege, from the code, the roles and AWS's own reference. */
import { command } from "./command";
import exceptions from "./iam/exceptions.json";
import { judge } from "./iam/judge";
import { lint } from "./iam/lint";
import { identityPolicies } from "./iam/policies";
import { subjects } from "./iam/subjects";

export const testIam = command(
    {
        name: "test:iam",
        summary:
            "Holds what every role may do against what its code can ask of AWS: a grant that nothing uses, a call that nobody granted, and a resource left open that AWS can limit are each named. parliament lints every identity policy of the program beside it.",
        arguments: "",
        options: {},
        examples: ["npm run test:iam"],
        exitCodes: { 0: "nothing was found", 1: "something was, each in a line", 2: "wrong usage" },
        run: async () => {
            const roles = subjects();
            const { grants, problems } = judge(roles, exceptions);
            const policies = await identityPolicies();
            const findings = await lint(policies);
            for (const line of [...problems, ...findings]) console.log(line);
            const commands = roles.reduce((sum, { needed }) => sum + needed.size, 0);
            console.log(
                `${roles.length} roles, ${grants} grants against ${commands} actions that their code can ask for, ${policies.length} policies linted: ${problems.length + findings.length} problems`,
            );
            return problems.length + findings.length > 0 ? 1 : 0;
        },
    },
    module,
);
