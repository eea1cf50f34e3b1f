/** IAM of one account in memory: the inline policies of roles, and the role of each instance profile. */
import { awsError } from "./errors";

export class InMemoryIam {
    /** Inline policies of the role `app`. */
    readonly policies = new Map<string, string>();
    /** Inline policies of other roles, by the role's name. */
    readonly otherRoles = new Map<string, Map<string, string>>();
    /** Role by instance profile. */
    profiles: Record<string, string> = { app: "app" };

    private policiesOf(role: string): Map<string, string> {
        const policies = role === "app" ? this.policies : this.otherRoles.get(role);
        if (!policies) throw awsError("NoSuchEntityException", `The role with name ${role} cannot be found.`);
        return policies;
    }
    onGetInstanceProfile({ InstanceProfileName }: { InstanceProfileName: string }): unknown {
        const RoleName = this.profiles[InstanceProfileName];
        if (RoleName === undefined) throw awsError("NoSuchEntityException");
        return { InstanceProfile: { Roles: [{ RoleName }] } };
    }
    onGetRolePolicy({ RoleName, PolicyName }: { RoleName: string; PolicyName: string }): unknown {
        const policy = this.policiesOf(RoleName).get(PolicyName);
        if (policy === undefined) throw awsError("NoSuchEntityException");
        return { PolicyDocument: encodeURIComponent(policy) };
    }
    onPutRolePolicy({ RoleName, PolicyName, PolicyDocument }: { RoleName: string; PolicyName: string; PolicyDocument: string }): unknown {
        this.policiesOf(RoleName).set(PolicyName, PolicyDocument);
        return {};
    }
    onDeleteRolePolicy({ RoleName, PolicyName }: { RoleName: string; PolicyName: string }): unknown {
        if (!this.policiesOf(RoleName).delete(PolicyName)) throw awsError("NoSuchEntityException");
        return {};
    }
}
