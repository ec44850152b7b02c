import { Evaluated } from '../evaluated.ts';
import type { Keyword } from '../site.ts';

const allOf: Keyword = (value, site) => {
  const schemas = site.schemas(value);
  return {
    expects: 'must be valid for all schemas of allOf',
    check: (value, run, evaluated) => schemas.every((schema) => run.evaluate(schema, value, evaluated)),
  };
};

const anyOf: Keyword = (value, site) => {
  const schemas = site.schemas(value);
  return {
    expects: 'must be valid for a schema of anyOf',
    check(value, run, evaluated) {
      if (!evaluated) return schemas.some((schema) => run.try(schema, value));
      // Every valid schema counts for what is evaluated.
      return schemas.filter((schema) => run.try(schema, value, evaluated)).length > 0;
    },
  };
};

const oneOf: Keyword = (value, site) => {
  const schemas = site.schemas(value);
  return {
    expects: 'must be valid for exactly one schema of oneOf',
    check(value, run, evaluated) {
      let count = 0;
      const found = evaluated && new Evaluated();
      for (const schema of schemas) {
        if (run.try(schema, value, found)) count += 1;
        if (count > 1) return false;
      }
      if (found && evaluated) {
        run.spend(2 * found.size);
        evaluated.add(found);
      }
      return count === 1;
    },
  };
};

const not: Keyword = (value, site) => {
  const schema = site.schema(value);
  return { expects: 'must not be valid for the schema of not', check: (value, run) => !run.try(schema, value) };
};

/** `if` with `then` and `else` of the same schema. */
const conditional: Keyword = (value, site) => {
  const condition = site.schema(value);
  const branch = (name: string) => {
    const schema = site.keyword(name);
    return schema === undefined ? undefined : site.schema(schema);
  };
  const [then, otherwise] = [branch('then'), branch('else')];
  return {
    expects: 'must be valid for the schema of then or else',
    check(value, run, evaluated) {
      const schema = run.try(condition, value, evaluated) ? then : otherwise;
      return schema === undefined || run.evaluate(schema, value, evaluated);
    },
  };
};

export const COMBINING: Readonly<Record<string, Keyword>> = { allOf, anyOf, oneOf, not, if: conditional };
