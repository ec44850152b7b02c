/** A schema that cannot be used, or the validation of a value with it is too much work. The message says why. */
export class UnusableSchema extends Error {
  override readonly name: string = 'UnusableSchema';
}

/** The validation of one value is too much work. The message says the limit. Whether value or schema is to blame, the caller finds out. */
export class TooMuchWork extends UnusableSchema {
  override readonly name = 'TooMuchWork';
}
