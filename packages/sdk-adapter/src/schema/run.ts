import { identifier } from '@credence/protocol';
import { Budget, type Work, workOfNames } from './budget.ts';
import { equalityKey } from './equality.ts';
import { Evaluated } from './evaluated.ts';
import { TooMuchWork } from './unusable-schema.ts';

/** One rule of a schema: usually one keyword. */
export interface Rule {
  /** What a valid value does, for the error message, for example `must be a string`. */
  readonly expects: string;
  /** Whether the value is valid. `evaluated` collects what this schema evaluates, if the document has a keyword that needs it. */
  check(value: unknown, run: Run, evaluated: Evaluated | undefined): boolean;
}

/** A schema inside a document. Its rules are added while the document is read. */
export interface Node {
  readonly rules: Rule[];
  readonly resource: Resource;
}

/** A schema with an `$id` of its own, or the root of the document. References are relative to it. */
export interface Resource {
  readonly uri: string;
  readonly schema: unknown;
  readonly anchors: Map<string, Node>;
  readonly dynamicAnchors: Map<string, Node>;
  /** Whether it has `$recursiveAnchor: true` (2019-09). */
  recursive: boolean;
  root: Node | undefined;
}

/** The nesting of schemas in one validation. Each level takes a few frames of the stack. */
const MAX_DEPTH = 400;
/** What the evaluation of a schema takes, in units of work: for itself, for each rule, and to collect what it evaluates. */
const UNITS = { schema: 0.4, rule: 0.1, collecting: 3 };
/** A path in a value with only such names is part of a message. Other names can be sentences of the peer. */
const PLAIN_NAME = /^[A-Za-z_][\w-]{0,31}$/u;

/** One validation of a value. Throws {@link TooMuchWork} if it takes more than `work` units or is nested too deeply. */
export class Run implements Work {
  readonly #collects: boolean;
  readonly #path: (string | number)[] = [];
  readonly #resources: Resource[] = [];
  readonly #budget: Budget;
  #largest = 0;
  readonly #names = new Map<object, readonly string[]>();
  readonly #keys = new Map<object, string>();
  #depth = 0;
  #tentative = 0;
  #failure: { readonly path: readonly (string | number)[]; readonly expects: string } | undefined;

  constructor(options: { work: number; collects: boolean }) {
    this.#budget = new Budget(options.work, 'a validation takes');
    this.#collects = options.collects;
  }

  /** Where the first rule failed, and what it expects. It has no text of the peer but a path of plain names, in quotes. */
  get failure(): string | undefined {
    if (!this.#failure) return undefined;
    const { path, expects } = this.#failure;
    if (path.length === 0) return `the value ${expects}`;
    const isPlain = path.every((name) => typeof name === 'number' || PLAIN_NAME.test(name));
    if (!isPlain) return `a member of the value ${expects}`;
    return `the value at ${identifier(path.map((name) => `/${name}`).join(''), { max: 64 })} ${expects}`;
  }

  /** The number of members of the largest object whose names were listed. */
  get largest(): number {
    return this.#largest;
  }

  /** How deep in the value the validation is, also when it has ended with an error. */
  get level(): number {
    return this.#path.length;
  }

  /** The resources that the validation has entered, the outermost first. A dynamic reference searches them. */
  get resources(): readonly Resource[] {
    return this.#resources;
  }

  /** Counts work before it is done. */
  spend(units: number): void {
    this.#budget.spend(units);
  }

  /** The names of the members of an object. Those of a large object are listed once. */
  namesOf(value: object): readonly string[] {
    const known = this.#names.get(value);
    this.spend(1);
    if (known) return known;
    const names = Object.keys(value);
    this.spend(workOfNames(names.length));
    if (names.length > 64) this.#names.set(value, names);
    this.#largest = Math.max(this.#largest, names.length);
    return names;
  }

  /** The text that is the same for equal values, for an object or a list. It is made once. */
  keyOf(value: object): string {
    const known = this.#keys.get(value);
    this.spend(1);
    if (known !== undefined) return known;
    const key = equalityKey(value, this);
    this.#keys.set(value, key);
    return key;
  }

  /** Evaluates a value with a schema. If the value is valid, adds to `into` what the schema has evaluated. */
  evaluate(node: Node, value: unknown, into?: Evaluated): boolean {
    this.spend(UNITS.schema + UNITS.rule * node.rules.length + (this.#collects ? UNITS.collecting : 0));
    if (this.#depth === MAX_DEPTH) throw new TooMuchWork(`a validation is nested more than ${MAX_DEPTH} levels deep`);
    const entered = this.#resources[this.#resources.length - 1] !== node.resource;
    const evaluated = this.#collects ? new Evaluated() : undefined;
    this.#depth += 1;
    if (entered) this.#resources.push(node.resource);
    let failed: Rule | undefined;
    for (const rule of node.rules) {
      if (rule.check(value, this, evaluated)) continue;
      failed = rule;
      break;
    }
    if (entered) this.#resources.pop();
    this.#depth -= 1;
    if (failed) {
      if (this.#tentative === 0) this.#failure ??= { path: [...this.#path], expects: failed.expects };
      return false;
    }
    if (into && evaluated) {
      this.spend(2 * evaluated.size);
      into.add(evaluated);
    }
    return true;
  }

  /** Evaluates a member or an entry of the current value. */
  evaluateAt(name: string | number, node: Node, value: unknown): boolean {
    this.#path.push(name);
    const valid = this.evaluate(node, value);
    this.#path.pop();
    return valid;
  }

  /** Evaluates a value when an invalid value is not an error by itself, as in `anyOf`. */
  try(node: Node, value: unknown, into?: Evaluated): boolean {
    this.#tentative += 1;
    const valid = this.evaluate(node, value, into);
    this.#tentative -= 1;
    return valid;
  }
}
