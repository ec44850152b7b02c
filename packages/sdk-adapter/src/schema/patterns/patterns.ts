import { type LruCache, lruCache } from '@credence/protocol';
import type { RE2JS } from 're2js';
import type { Run } from '../run.ts';
import { UnusableSchema } from '../unusable-schema.ts';
import { patternEngine } from './engine.ts';
import { type Re2Pattern, re2Pattern } from './re2-syntax.ts';

/** A regular expression of a schema. */
export interface Pattern {
  /** Whether a part of the text matches. The work is linear in the length of the text. */
  test(text: string, run: Run): boolean;
}

/** A compiled expression can use up to 8 MB, so few are kept. Others are compiled again after the garbage collection. */
const MAX_COMPILED = 32;
const MAX_PROGRAM_SIZE = 2_000;
const MAX_TOTAL_SIZE = 20_000;
/** In the worst case one character and 16 instructions take as long as one unit of work. */
const INSTRUCTIONS_A_UNIT = 16;
/** How long it takes to compile an instruction, in units of work. */
const UNITS_TO_COMPILE = 30;

const compiled: LruCache<RE2JS> = lruCache<RE2JS>(MAX_COMPILED);

/** The regular expressions of one schema. Limits their number, their lengths and the sizes of their programs. */
export class Patterns {
  readonly #limits: { readonly patterns: number; readonly patternLength: number };
  readonly #patterns = new Map<string, Pattern>();
  #size = 0;

  constructor(limits: { readonly patterns: number; readonly patternLength: number }) {
    this.#limits = limits;
  }

  /** Reads an expression, and compiles it when it is first used. Throws {@link UnusableSchema}. */
  add(expression: string): Pattern {
    const known = this.#patterns.get(expression);
    if (known) return known;
    const { patterns, patternLength } = this.#limits;
    if (expression.length > patternLength)
      throw new UnusableSchema(`a pattern is longer than ${patternLength} characters`);
    if (this.#patterns.size === patterns) throw new UnusableSchema(`it has more than ${patterns} patterns`);
    const translated = re2Pattern(expression);
    this.#size += translated.size;
    if (translated.size > MAX_PROGRAM_SIZE || this.#size > MAX_TOTAL_SIZE) {
      throw new UnusableSchema('its patterns are too large when their repetitions are expanded');
    }
    let compiledPattern: WeakRef<RE2JS> | undefined;
    const pattern: Pattern = {
      test(text, run) {
        run.spend(1 + (text.length * translated.size) / INSTRUCTIONS_A_UNIT);
        let engine = compiledPattern?.deref();
        if (!engine) {
          engine = compile(translated, run);
          compiledPattern = new WeakRef(engine);
        }
        return engine.test(text);
      },
    };
    this.#patterns.set(expression, pattern);
    return pattern;
  }
}

function compile({ source, size }: Re2Pattern, run: Run): RE2JS {
  const kept = compiled.get(source);
  if (kept) return kept;
  const engine = patternEngine();
  if (!engine) throw new UnusableSchema('its patterns cannot be checked, because the package re2js is not loaded');
  run.spend(UNITS_TO_COMPILE * size);
  try {
    const pattern = engine.compile(source);
    compiled.set(source, pattern);
    return pattern;
  } catch {
    throw new UnusableSchema('a pattern has something that the linear-time engine does not support');
  }
}
