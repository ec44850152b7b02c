import type { Work } from './budget.ts';
import { readCheckedSchema, readingBudget, type SchemaDocument } from './document.ts';
import { checkSize } from './json-value.ts';
import type { SchemaLimits } from './limits.ts';

interface SharedSchema {
  /** Weak, so that a schema is in memory only while somebody validates with it. */
  readonly document: WeakRef<SchemaDocument>;
  /** The work to read it, which every reader pays: what a list of tools may take does not depend on what others have read. */
  readonly units: number;
}

/** The schemas in use, by their limits and their whole text. */
const inUse = new Map<string, SharedSchema>();
const unused = new FinalizationRegistry<string>((key) => {
  // It may have been read again since.
  if (inUse.get(key)?.document.deref() === undefined) inUse.delete(key);
});

/**
 * Like `readSchema`, but reads a schema once for all that use it at the same time: a thousand principals of one server have the same
 * schemas, and a read schema takes more memory than its text. Only a schema with exactly the same text is the same. It is read from a copy,
 * so that a later change of the object of one principal does not reach another.
 */
export function sharedSchema(
  schema: unknown,
  limits: Readonly<Required<SchemaLimits>>,
  work: Work = readingBudget(limits),
): SchemaDocument {
  checkSize(schema, limits, work);
  const text = exactText(schema);
  if (text === undefined) return readCheckedSchema(schema, limits, work);
  const key = `${JSON.stringify(limits)} ${text}`;
  const known = inUse.get(key);
  const document = known?.document.deref();
  if (known && document) {
    work.spend(known.units);
    return document;
  }
  let units = 0;
  const spend = (more: number) => {
    units += more;
    work.spend(more);
  };
  const read = readCheckedSchema(JSON.parse(text), limits, { spend });
  inUse.set(key, { document: new WeakRef(read), units });
  unused.register(read, key);
  return read;
}

/**
 * The text of a schema. Undefined if another schema could have the same text, or if the text does not say everything. A server can send a
 * number beyond the range of a double, which becomes `Infinity`, and JSON would write that as `null`. In a schema that an application made,
 * an object can be in several places, or write itself as something else.
 */
function exactText(schema: unknown): string | undefined {
  const objects = new Set<unknown>();
  let isExact = true;
  function check(this: unknown, name: string, value: unknown): unknown {
    if (Reflect.get(Object(this), name) !== value || objects.has(value)) isExact = false;
    if (typeof value === 'number' && !Number.isFinite(value)) isExact = false;
    if (typeof value === 'object' && value !== null) objects.add(value);
    return value;
  }
  try {
    const text = JSON.stringify(schema, check);
    return isExact ? text : undefined;
  } catch {
    // With a high limit on the depth, a schema can be nested so deeply that it exhausts the stack.
    return undefined;
  }
}
