import { describe, expect, it } from '@jest/globals';
import { safeSchemaValidator, type UnusableSchemaReport } from './safe-schema-validator.ts';

const UNUSABLE = { type: 'object', $ref: '#/none' };

describe('safeSchemaValidator', () => {
  it('returns the value that is valid, and the fault of one that is not', () => {
    const validate = safeSchemaValidator().getValidator({ type: 'object', required: ['a'] });
    const value = { a: 1 };
    expect(validate(value)).toEqual({ valid: true, data: value, errorMessage: undefined });
    expect(validate({})).toEqual({
      valid: false,
      data: undefined,
      errorMessage: 'the value must have all members that the schema requires',
    });
  });

  it('cuts the fault, and removes control characters of the server from it', () => {
    const name = `x\n\u001b[2K${'y'.repeat(10_000)}`;
    const validate = safeSchemaValidator().getValidator({ additionalProperties: false });
    const { errorMessage = '' } = validate({ [name]: 1 });
    expect(errorMessage.length).toBeLessThanOrEqual(300);
    expect(errorMessage).toMatch(/^[\x20-\x7e…]*$/u);
  });

  it('reports a schema that cannot be used once, and accepts every value', () => {
    const reports: UnusableSchemaReport[] = [];
    const validator = safeSchemaValidator({ onUnusable: (report) => void reports.push(report) });
    for (let times = 0; times < 3; times += 1) {
      expect(validator.getValidator(UNUSABLE)({ any: 'value' })).toMatchObject({ valid: true });
    }
    const reason = 'it refers to a schema that it does not contain';
    expect(reports).toEqual([{ reason, subject: 'schema', schema: UNUSABLE }]);
  });

  it('reports a schema whose validation is too much work once, and accepts every value from then on', () => {
    const reports: UnusableSchemaReport[] = [];
    const validator = safeSchemaValidator({ onUnusable: (report) => void reports.push(report) });
    const twice = (next: string) => ({ anyOf: [{ $ref: next }, { $ref: next }] });
    const $defs = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`d${i}`, twice(`#/$defs/d${i + 1}`)]));
    const validate = validator.getValidator({ $defs: { ...$defs, d30: { type: 'string' } }, $ref: '#/$defs/d0' });
    expect(validate('')).toMatchObject({ valid: true });
    expect(validate(1)).toMatchObject({ valid: true });
    expect(validate(1)).toMatchObject({ valid: true });
    expect(reports).toEqual([expect.objectContaining({ subject: 'schema' })]);
  });

  it.each<[what: string, schema: object, tooLarge: unknown]>([
    ['large', { items: { type: 'number' } }, Array.from({ length: 5_000 }, () => 1)],
    ['deep', { items: { $ref: '#' } }, JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)],
  ])('reports each value that is too %s to be validated, and validates the next one', (_what, schema, tooLarge) => {
    const reports: UnusableSchemaReport[] = [];
    const validator = safeSchemaValidator({
      limits: { work: 1_000 },
      onUnusable: (report) => void reports.push(report),
    });
    const validate = validator.getValidator({ type: 'array', ...schema });
    for (let times = 1; times <= 2; times += 1) {
      expect(validate(tooLarge)).toMatchObject({ valid: true });
      expect(reports).toHaveLength(times);
      expect(validate('')).toMatchObject({ valid: false });
    }
    expect(reports[0]).toMatchObject({ subject: 'value' });
  });

  it('validates an honest result of 4 megabytes with the default limits', () => {
    const names = Array.from({ length: 12 }, (_, index) => `column${index}`);
    const cell = { type: ['string', 'null'], maxLength: 100 };
    const row = {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, cell])),
      required: names,
      additionalProperties: false,
    };
    const reports: unknown[] = [];
    const validator = safeSchemaValidator({ onUnusable: (report) => void reports.push(report) });
    const validate = validator.getValidator({ type: 'object', properties: { rows: { type: 'array', items: row } } });
    const rows = Array.from({ length: 40_000 }, () => Object.fromEntries(names.map((name) => [name, 'value'])));
    expect(validate({ rows }).valid).toBe(true);
    expect(validate({ rows: [...rows, {}] }).valid).toBe(false);
    expect(reports).toEqual([]);
  });

  it('reads a schema once, although it is passed again', () => {
    let reads = 0;
    const schema = {
      get type() {
        reads += 1;
        return 'string';
      },
    };
    const validator = safeSchemaValidator();
    validator.getValidator(schema)('');
    const first = reads;
    expect(validator.getValidator(schema)(1)).toMatchObject({ valid: false });
    expect([first > 0, reads]).toEqual([true, first]);
  });

  it('does not throw an error of onUnusable', () => {
    const validator = safeSchemaValidator({
      onUnusable: () => {
        throw new Error('the error of the caller');
      },
    });
    expect(validator.getValidator(UNUSABLE)({})).toMatchObject({ valid: true });
  });

  it('has no effect of one schema on another with the same $id', () => {
    const validator = safeSchemaValidator();
    const ofText = validator.getValidator({ $id: 'https://id.test/a', type: 'string' });
    const ofNumber = validator.getValidator({ $id: 'https://id.test/a', type: 'number' });
    const ofReference = validator.getValidator({ $ref: 'https://id.test/a' });
    expect([ofText('').valid, ofText(1).valid, ofNumber(1).valid, ofNumber('').valid, ofReference(1).valid]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });
});
