/** A day of 24 hours: a booking of a quarter of an hour still has a line of text. */
export const PX_PER_MINUTE = 1.6;
