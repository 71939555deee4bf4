// What both of Node's shops sell, and what an order comes to.
import { randomUUID } from "node:crypto";

const TAX_BP = { exempt: 0, reduced: 500, standard: 1500 };
const DELIVERY_FEE = 6000;
const FREE_DELIVERY_FROM = 150000;
export const CATALOGUE = [
  ["Masala chai", 4000, "reduced"],
  ["Green tea", 5000, "reduced"],
  ["Filter coffee", 9000, "reduced"],
  ["Mango lassi", 12000, "reduced"],
  ["Samosa", 2500, "reduced"],
  ["Paratha", 3000, "reduced"],
  ["Chicken biryani", 32000, "reduced"],
  ["Dal fry", 11000, "exempt"],
  ["Hilsa curry", 55000, "reduced"],
  ["Roshogolla", 3500, "standard"],
  ["Mishti doi", 8000, "standard"],
  ["Jilapi", 2995, "standard"],
  ["Lemon sherbet", 6050, "reduced"],
  ["Fruit box", 24000, "exempt"],
];

export class Refused extends Error {}

export function price(item, product) {
  if (product === undefined) throw new Refused(`There is no product ${item.productId}.`);
  const lineTotal = product.price * item.quantity;
  return {
    productId: product.id,
    name: product.name,
    quantity: item.quantity,
    unitPrice: product.price,
    lineTotal,
    tax: Math.floor((lineTotal * TAX_BP[product.tax_class] + 5000) / 10000),
    image: product.image,
  };
}

export function decide(wanted, lines) {
  const subtotal = lines.reduce((sum, line) => sum + line.lineTotal, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax, 0);
  const shippingFee = wanted.fulfilment === "pickup" || subtotal >= FREE_DELIVERY_FROM ? 0 : DELIVERY_FEE;
  return {
    id: `ord_${randomUUID()}`, createdAt: new Date().toISOString(),
    subtotal, tax, shippingFee, total: subtotal + tax + shippingFee,
  };
}

export function orderOf(wanted, lines, decided, number, customerId) {
  const { customerInfo, billingInfo, shippingInfo, fulfilment, paymentInfo } = wanted;
  const { id, createdAt, subtotal, tax, shippingFee, total } = decided;
  return {
    id, number, status: "pending", paymentStatus: "unpaid", fulfilment, version: 1, subtotal, tax, shippingFee,
    discount: 0, total, currency: "BDT", customerInfo, billingInfo, shippingInfo, cartItems: lines, paymentInfo,
    customerId, driverId: null, heldFrom: null, createdAt, updatedAt: createdAt,
  };
}
