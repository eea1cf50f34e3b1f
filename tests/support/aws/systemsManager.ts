/** Parameters of Systems Manager in memory. Run Command is a spec's own. */
import { awsError } from "./errors";

export class InMemorySystemsManager {
    readonly parameters = new Map<string, string>();

    onGetParameter({ Name }: { Name: string }): unknown {
        const Value = this.parameters.get(Name);
        if (Value === undefined) throw awsError("ParameterNotFound");
        return { Parameter: { Name, Value, Type: "SecureString" } };
    }
}
