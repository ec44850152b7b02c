import { isMembers } from '../json-value.ts';
import type { Pattern } from '../patterns/patterns.ts';
import type { Node, Run } from '../run.ts';
import type { Evaluated } from '../evaluated.ts';
import type { Keyword, Site } from '../site.ts';
import { isList } from '../json-value.ts';
import { countIn, membersIn, stringsIn } from './values.ts';

function sizeBound(words: string, holds: (size: number, limit: number) => boolean): Keyword {
  return (value) => {
    const limit = countIn(value);
    return {
      expects: `must have ${words} ${limit} members`,
      check: (value, run) => !isMembers(value) || holds(run.namesOf(value).length, limit),
    };
  };
}

/** To look for a member by its name, in units of work. */
const LOOKUP = 0.3;

function addName(evaluated: Evaluated, name: string, run: Run): void {
  run.spend(2);
  evaluated.names.add(name);
}

const required: Keyword = (value) => {
  const names = stringsIn(value);
  return {
    // The names are text of the peer, so they are not part of the message.
    expects: 'must have all members that the schema requires',
    check(value, run) {
      run.spend(LOOKUP * names.length);
      return !isMembers(value) || names.every((name) => Object.hasOwn(value, name));
    },
  };
};

const properties: Keyword = (value, site) => {
  const schemas = [...site.schemaMap(value)];
  return {
    expects: 'must have valid members',
    check(value, run, evaluated) {
      run.spend(LOOKUP * schemas.length);
      if (!isMembers(value)) return true;
      for (const [name, schema] of schemas) {
        if (!Object.hasOwn(value, name)) continue;
        if (!run.evaluateAt(name, schema, value[name])) return false;
        if (evaluated) addName(evaluated, name, run);
      }
      return true;
    },
  };
};

const patternProperties: Keyword = (value, site) => {
  const schemas = patternsIn(value, site);
  return {
    expects: 'must have valid members',
    check(value, run, evaluated) {
      if (!isMembers(value)) return true;
      for (const name of run.namesOf(value)) {
        for (const [pattern, schema] of schemas) {
          if (!pattern.test(name, run)) continue;
          if (!run.evaluateAt(name, schema, value[name])) return false;
          if (evaluated) addName(evaluated, name, run);
        }
      }
      return true;
    },
  };
};

function patternsIn(value: unknown, site: Site): readonly (readonly [Pattern, Node])[] {
  return [...site.schemaMap(value)].map(([expression, schema]) => [site.pattern(expression), schema]);
}

/** `additionalProperties`: the members that neither `properties` nor `patternProperties` of the same schema names. */
const additionalProperties: Keyword = (value, site) => {
  const schema = site.schema(value);
  const named = new Set(Object.keys(membersIn(site.keyword('properties') ?? {})));
  const patterns = Object.keys(membersIn(site.keyword('patternProperties') ?? {})).map((name) => site.pattern(name));
  return {
    expects: 'must have no other members than those of the schema',
    check(value, run, evaluated) {
      if (!isMembers(value)) return true;
      for (const name of run.namesOf(value)) {
        if (evaluated) run.spend(1);
        if (named.has(name) || patterns.some((pattern) => pattern.test(name, run))) continue;
        if (!run.evaluateAt(name, schema, value[name])) return false;
        if (evaluated) addName(evaluated, name, run);
      }
      return true;
    },
  };
};

const propertyNames: Keyword = (value, site) => {
  const schema = site.schema(value);
  return {
    expects: 'must have valid names of members',
    check: (value, run) => !isMembers(value) || run.namesOf(value).every((name) => run.try(schema, name)),
  };
};

const dependentRequired: Keyword = (value) => {
  const lists = Object.entries(membersIn(value)).map(([name, names]) => [name, stringsIn(names)] as const);
  return {
    expects: 'must have the members that other members require',
    check(value, run) {
      if (!isMembers(value)) return true;
      return lists.every(([name, names]) => {
        run.spend(LOOKUP * (1 + names.length));
        return !Object.hasOwn(value, name) || names.every((needed) => Object.hasOwn(value, needed));
      });
    },
  };
};

const dependentSchemas: Keyword = (value, site) => {
  const schemas = site.schemaMap(value);
  return {
    expects: 'must be valid for the schemas of its members',
    check(value, run, evaluated) {
      run.spend(LOOKUP * schemas.size);
      if (!isMembers(value)) return true;
      for (const [name, schema] of schemas) {
        if (Object.hasOwn(value, name) && !run.evaluate(schema, value, evaluated)) return false;
      }
      return true;
    },
  };
};

/** `dependencies` (up to draft 7): a list of names or a schema for each member. */
const dependencies: Keyword = (value, site) => {
  const entries = Object.entries(membersIn(value));
  const ofKind = (lists: boolean) => Object.fromEntries(entries.filter(([, entry]) => isList(entry) === lists));
  const rules = [dependentRequired(ofKind(true), site), dependentSchemas(ofKind(false), site)];
  return {
    expects: 'must have the members that other members require',
    check: (value, run, evaluated) => rules.every((rule) => !rule || rule.check(value, run, evaluated)),
  };
};

const unevaluatedProperties: Keyword = (value, site) => {
  const schema = site.schema(value);
  site.collect();
  return {
    expects: 'must have no other members than those of the schema',
    check(value, run, evaluated) {
      if (!isMembers(value)) return true;
      for (const name of run.namesOf(value)) {
        run.spend(1);
        if (evaluated?.hasName(name)) continue;
        if (!run.evaluateAt(name, schema, value[name])) return false;
      }
      if (evaluated) evaluated.allNames = true;
      return true;
    },
  };
};

export const OBJECTS: Readonly<Record<string, Keyword>> = {
  maxProperties: sizeBound('at most', (size, limit) => size <= limit),
  minProperties: sizeBound('at least', (size, limit) => size >= limit),
  required,
  properties,
  patternProperties,
  additionalProperties,
  propertyNames,
  dependentRequired,
  dependentSchemas,
  dependencies,
};

export const UNEVALUATED_PROPERTIES: Keyword = unevaluatedProperties;
