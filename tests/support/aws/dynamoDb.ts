/** As much of DynamoDB as the incidents table needs, in memory: conditions on one attribute, a lease, SET, and transactions of puts. */
import { awsError } from "./errors";

type Value = Record<string, unknown>;
export type Item = Record<string, Value>;

interface Conditional {
    ConditionExpression?: string;
    ExpressionAttributeNames?: Record<string, string>;
    ExpressionAttributeValues?: Record<string, Value>;
}
interface Refusal {
    __type: string;
    message: string;
    CancellationReasons?: { Code: string }[];
}

/** @throws when the expression is none that this fake knows, so that a test never passes for want of it */
function holds(
    item: Item | undefined,
    { ConditionExpression: condition, ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: Conditional,
): boolean {
    if (condition === undefined) return true;
    if (condition === "attribute_not_exists(pk)") return item === undefined;
    if (condition === "attribute_exists(pk)") return item !== undefined;
    const absent = /^attribute_not_exists\((#\w+)\)$/.exec(condition);
    if (absent) return item?.[names[absent[1]!]!] === undefined;
    const lapsed = /^attribute_not_exists\((#\w+)\) OR \1 < (:\w+)$/.exec(condition);
    if (lapsed) {
        const standing = item?.[names[lapsed[1]!]!]?.N;
        return standing === undefined || Number(standing) < Number(values[lapsed[2]!]!.N);
    }
    const [, name, value] = /^([#\w]+) = (:\w+)$/.exec(condition) ?? [];
    if (name === undefined || value === undefined) throw new Error(`The fake does not know the condition ${condition}`);
    return JSON.stringify(item?.[names[name] ?? name]) === JSON.stringify(values[value]);
}

export class FakeDynamoDb {
    readonly items = new Map<string, Item>();

    /** Answers one request. @returns the body, and the status 400 with an error's */
    answer(action: string, body: Record<string, unknown>): { status: number; body: object } {
        const result = this.perform(action, body);
        return { status: "__type" in result ? 400 : 200, body: result };
    }

    knows(name: string): boolean {
        return ["GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem"].includes(name);
    }

    /** Answers one call from under the SDK's client. @throws the AWS error when it is refused */
    send(name: string, input: Record<string, unknown>): object {
        const { status, body } = this.answer(name, input);
        if (status === 200) return body;
        const { __type, ...rest } = body as Refusal;
        throw Object.assign(awsError(__type), rest);
    }

    private perform(action: string, body: Record<string, unknown>): object | Refusal {
        const pkOf = (key: unknown) => (key as Item).pk!.S as string;
        switch (action) {
            case "GetItem": {
                const item = this.items.get(pkOf(body.Key));
                return item ? { Item: item } : {};
            }
            case "PutItem": {
                const item = body.Item as Item;
                if (!holds(this.items.get(item.pk!.S as string), body as Conditional))
                    return { __type: "ConditionalCheckFailedException", message: "refused" };
                this.items.set(item.pk!.S as string, item);
                return {};
            }
            case "Query": {
                // Of an index only: items without its attribute are not in it.
                const [, name, value] = /^([#\w]+) = (:\w+)$/.exec(body.KeyConditionExpression as string)!;
                const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = body as Conditional;
                const wanted = JSON.stringify(values![value!]);
                return { Items: [...this.items.values()].filter((item) => JSON.stringify(item[names![name!]!]) === wanted) };
            }
            case "Scan":
                if ("FilterExpression" in body) throw new Error("this fake filters nothing");
                return { Items: [...this.items.values()] };
            case "TransactWriteItems": {
                const puts = (body.TransactItems as { Put: Conditional & { Item: Item } }[]).map((each) => each.Put);
                const refused = puts.map((put) => !holds(this.items.get(pkOf(put.Item)), put));
                if (refused.includes(true))
                    return {
                        __type: "TransactionCanceledException",
                        message: "cancelled",
                        CancellationReasons: refused.map((each) => ({ Code: each ? "ConditionalCheckFailed" : "None" })),
                    };
                for (const put of puts) this.items.set(pkOf(put.Item), put.Item);
                return {};
            }
            case "UpdateItem": {
                const pk = pkOf(body.Key);
                const conditional = body as Conditional;
                const item = this.items.get(pk);
                if (!holds(item, conditional)) return { __type: "ConditionalCheckFailedException", message: "refused" };
                // Clauses in any order: SET a = :a, b = :b REMOVE c, d ADD e :e
                const clauses = [...(body.UpdateExpression as string).matchAll(/(SET|REMOVE|ADD) (.*?)(?= (?:SET|REMOVE|ADD) |$)/g)];
                const changed: Item = { ...item, pk: { S: pk } };
                for (const [, verb, list] of clauses)
                    for (const each of list!.split(", ")) {
                        const [name, value] = each.split(verb === "SET" ? " = " : " ");
                        const attribute = conditional.ExpressionAttributeNames?.[name!] ?? name!;
                        const given = conditional.ExpressionAttributeValues?.[value ?? ""];
                        if (verb === "REMOVE") delete changed[attribute];
                        else if (verb === "SET") changed[attribute] = given!;
                        else changed[attribute] = { N: String(Number(changed[attribute]?.N ?? 0) + Number(given!.N)) };
                    }
                this.items.set(pk, changed);
                return body.ReturnValues === "UPDATED_NEW" ? { Attributes: changed } : {};
            }
            default:
                throw new Error(`The fake does not know ${action}`);
        }
    }
}
