import { Budget, type Work } from './budget.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { checkSize, extentOf, isList, isMembers, type JsonMembers } from './json-value.ts';
import { keywordsIn } from './keywords/all.ts';
import { membersIn, stringIn } from './keywords/values.ts';
import type { SchemaLimits } from './limits.ts';
import { Patterns } from './patterns/patterns.ts';
import { type Node, type Resource, Run } from './run.ts';
import type { Site, Target } from './site.ts';
import { TooMuchWork, UnusableSchema } from './unusable-schema.ts';

/** The URI of a schema without `$id`. References are resolved in the document, and no URI is ever fetched. */
const BASE = 'https://schema.invalid/';
/** The length of an `$id`, an anchor, a reference, and of the URI that it is resolved to. */
const MAX_URI = 2_000;
const NOT_A_URI = 'it has a reference or an $id that is not a URI';
/** What a part of reading a schema takes, in units of work. */
const UNITS = { schema: 25, reference: 5, token: 3, uri: 20, charactersOfUri: 8, member: 2 };
/** A validation that takes more units than this for each value, or word of a text, is long because of the schema. */
const UNITS_A_VALUE = 100;
/** A validation that is nested too deeply at such a depth of the value is so because of the value. */
const DEEP_VALUE = 50;

/** A JSON schema that is read and can validate values. */
export interface SchemaDocument {
  /**
   * Undefined for a valid value, else the first fault. Throws {@link TooMuchWork} if the value is too large to be validated, and
   * {@link UnusableSchema} if the validation of a value of this size is too much work because of the schema.
   */
  faultOf(value: unknown): string | undefined;
}

/**
 * Reads a JSON schema of a peer: checks its size, reads its keywords and resolves its references. Throws {@link UnusableSchema} if it is
 * too large, is malformed, or refers to something that is not in it. The work is counted; schemas that are read together share `work`.
 */
export function readSchema(
  schema: unknown,
  limits: Readonly<Required<SchemaLimits>>,
  work: Work = readingBudget(limits),
): SchemaDocument {
  checkSize(schema, limits, work);
  return readCheckedSchema(schema, limits, work);
}

/** Like {@link readSchema}, for a schema whose size is checked already. */
export function readCheckedSchema(
  schema: unknown,
  limits: Readonly<Required<SchemaLimits>>,
  work: Work,
): SchemaDocument {
  const reader = new Reader(schema, limits, work);
  const root = reader.read();
  // The document must not keep the reader in memory.
  const { collects } = reader;
  return {
    faultOf(value) {
      const run = new Run({ work: limits.work, collects });
      try {
        return run.evaluate(root, value) ? undefined : (run.failure ?? 'the value is not valid');
      } catch (error) {
        throw error instanceof TooMuchWork && !isLarge(value, run, limits) ? new UnusableSchema(error.message) : error;
      }
    },
  };
}

/** The budget for reading one schema, or the schemas of one list. */
export function readingBudget({ reading }: { readonly reading: number }): Budget {
  return new Budget(reading, 'to read its schemas takes');
}

/** Whether a validation was too much work because the value is large or deep, and not because of its schema. */
function isLarge(value: unknown, run: Run, limits: { readonly work: number }): boolean {
  const limit = limits.work / UNITS_A_VALUE;
  return run.level >= DEEP_VALUE || run.largest >= limit || extentOf(value, limit) >= limit;
}

class Reader {
  collects = false;
  readonly #schema: unknown;
  readonly #limits: Readonly<Required<SchemaLimits>>;
  readonly #dialect: Dialect;
  readonly #patterns: Patterns;
  readonly #nodes = new Map<unknown, Node>();
  readonly #resources = new Map<string, Resource>();
  readonly #references: (() => void)[] = [];
  /** The references that are resolved already. */
  readonly #resolved = new Map<Resource, Map<string, Node>>();
  readonly #work: Work;
  #count = 0;

  constructor(schema: unknown, limits: Readonly<Required<SchemaLimits>>, work: Work) {
    this.#schema = schema;
    this.#limits = limits;
    this.#work = work;
    this.#dialect = dialectOf(isMembers(schema) ? own(schema, '$schema') : undefined);
    this.#patterns = new Patterns(limits, work);
  }

  read(): Node {
    const root = this.#node(this.#schema, this.#resource(BASE, this.#schema));
    for (let resolve = this.#references.pop(); resolve; resolve = this.#references.pop()) resolve();
    return root;
  }

  #resource(uri: string, schema: unknown): Resource {
    if (this.#resources.has(uri)) throw new UnusableSchema('two of its schemas have the same $id');
    const recursive = isMembers(schema) && own(schema, '$recursiveAnchor') === true;
    const resource = { uri, schema, anchors: new Map(), dynamicAnchors: new Map(), recursive, root: undefined };
    this.#resources.set(uri, resource);
    return resource;
  }

  #node(schema: unknown, parent: Resource): Node {
    const known = this.#nodes.get(schema);
    if (known && typeof schema === 'object') return known;
    this.#count += 1;
    if (this.#count > this.#limits.subschemas)
      throw new UnusableSchema(`it has more than ${this.#limits.subschemas} schemas`);
    this.#work.spend(UNITS.schema);
    if (typeof schema === 'boolean') return booleanNode(schema, parent);
    if (!isMembers(schema)) throw new UnusableSchema('a schema in it is neither an object nor a boolean');

    // Up to draft 7 a reference replaces all that is beside it.
    const isReference = this.#dialect === 'draft-07' && typeof own(schema, '$ref') === 'string';
    const resource = isReference ? parent : this.#resourceOf(schema, parent);
    const node: Node = { rules: [], resource };
    this.#nodes.set(schema, node);
    if (resource.schema === schema) resource.root = node;
    if (!isReference) this.#addAnchors(schema, node);
    const site = this.#site(schema, resource);
    for (const [name, keyword] of keywordsIn(schema, this.#dialect)) {
      if (isReference && name !== '$ref') continue;
      const rule = keyword(schema[name], site);
      if (rule) node.rules.push(rule);
    }
    // Schemas that other schemas may refer to.
    for (const container of ['$defs', 'definitions']) {
      if (Object.hasOwn(schema, container)) site.schemaMap(schema[container]);
    }
    for (const branch of ['then', 'else']) {
      if (Object.hasOwn(schema, branch)) site.schema(schema[branch]);
    }
    return node;
  }

  #resourceOf(schema: JsonMembers, parent: Resource): Resource {
    const id = own(schema, '$id');
    if (id === undefined) return parent;
    const { base, fragment } = this.#uri(stringIn(id), parent.uri);
    // Up to draft 7 an `$id` that is only a fragment names an anchor.
    return base === parent.uri && fragment !== '' ? parent : this.#resource(base, schema);
  }

  #addAnchors(schema: JsonMembers, node: Node): void {
    const id = own(schema, '$id');
    const names = [own(schema, '$anchor'), own(schema, '$dynamicAnchor')];
    if (typeof id === 'string' && id.startsWith('#') && id.length > 1) names.push(id.slice(1));
    for (const name of names) {
      if (name === undefined) continue;
      const anchor = short(stringIn(name));
      if (node.resource.anchors.has(anchor)) throw new UnusableSchema('two of its schemas have the same anchor');
      node.resource.anchors.set(anchor, node);
    }
    const dynamic = own(schema, '$dynamicAnchor');
    if (dynamic !== undefined) node.resource.dynamicAnchors.set(stringIn(dynamic), node);
  }

  #site(schema: JsonMembers, resource: Resource): Site {
    const read = (value: unknown) => this.#node(value, resource);
    return {
      dialect: this.#dialect,
      keyword: (name) => own(schema, name),
      schema: read,
      schemas(value) {
        if (!isList(value) || value.length === 0)
          throw new UnusableSchema('a keyword has a value that is not a list of schemas');
        return value.map(read);
      },
      schemaMap: (value) => {
        const entries = Object.entries(membersIn(value));
        this.#work.spend(UNITS.member * entries.length);
        return new Map(entries.map(([name, one]) => [name, read(one)]));
      },
      reference: (value) => this.#reference(stringIn(value), resource),
      pattern: (expression) => this.#patterns.add(expression),
      collect: () => {
        this.collects = true;
      },
    };
  }

  /** A reference is resolved when all schemas are read, because it may refer to one that comes later. */
  #reference(reference: string, resource: Resource): Target {
    const target: { node: Node } = { node: { rules: [], resource } };
    this.#references.push(() => {
      target.node = this.#resolve(reference, resource);
    });
    return target;
  }

  #resolve(reference: string, from: Resource): Node {
    this.#work.spend(UNITS.reference);
    const known = this.#resolved.get(from) ?? new Map<string, Node>();
    this.#resolved.set(from, known);
    const node = known.get(reference) ?? this.#found(reference, from);
    known.set(reference, node);
    return node;
  }

  #found(reference: string, from: Resource): Node {
    const { base, fragment } = this.#uri(reference, from.uri);
    const resource = this.#resources.get(base);
    if (!resource) throw new UnusableSchema('it refers to another document, which is not fetched');
    if (fragment === '' || fragment.startsWith('/')) return this.#atPointer(resource, fragment);
    const node = resource.anchors.get(fragment);
    if (!node) throw new UnusableSchema('it refers to a schema that it does not contain');
    return node;
  }

  /** Resolves a reference. Most are only a fragment, and do not need the URI that they are relative to. */
  #uri(reference: string, from: string): { readonly base: string; readonly fragment: string } {
    this.#work.spend(short(reference).length / UNITS.charactersOfUri);
    if (reference.startsWith('#')) return { base: from, fragment: decoded(reference.slice(1)) };
    this.#work.spend(UNITS.uri + from.length / UNITS.charactersOfUri);
    const url = absolute(reference, from);
    const fragment = decoded(url.hash.slice(1));
    url.hash = '';
    return { base: short(url.href), fragment };
  }

  #atPointer(from: Resource, pointer: string): Node {
    let value = from.schema;
    let resource = from;
    for (const token of pointer.split('/').slice(1)) {
      this.#work.spend(UNITS.token);
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
      value = (isMembers(value) || isList(value)) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
      resource = this.#nodes.get(value)?.resource ?? resource;
    }
    if (value === undefined) throw new UnusableSchema('it refers to a schema that it does not contain');
    return this.#node(value, resource);
  }
}

function own(members: JsonMembers, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function booleanNode(valid: boolean, resource: Resource): Node {
  return { resource, rules: valid ? [] : [{ expects: 'must not be there', check: () => false }] };
}

function short(text: string): string {
  if (text.length > MAX_URI)
    throw new UnusableSchema(`it has a reference, an anchor or an $id of more than ${MAX_URI} characters`);
  return text;
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    throw new UnusableSchema(NOT_A_URI);
  }
}

function absolute(reference: string, from: string): URL {
  try {
    return new URL(reference, from);
  } catch {
    throw new UnusableSchema(NOT_A_URI);
  }
}
