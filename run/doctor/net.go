package doctor

import "fmt"

// badlyUsed looks for hidden layers whose units sit at the ends, or in the middle, of their range: at the start that is the scale of the
// initial weights, later where training has led.
func badlyUsed(h history) *Finding {
	for i := len(h.health) - 1; i >= 0; i-- { // the newest first: what is so now matters most
		at := h.health[i]
		for l, share := range at.Saturated {
			if share > 0.5 {
				return unitsFinding("units_saturated", at.Iter, l, share, "at an end of their range, where derivatives vanish",
					"smaller initial weights (model.init_scale, model.init_scales), normalised inputs (--normalize zscore), or weight decay")
			}
		}
		for l, share := range at.Linear {
			if share > 0.9 && at.Iter == 0 {
				return unitsFinding("units_linear", at.Iter, l, share, "in the middle of their range, where the layer is linear and its units are alike",
					"larger initial weights (model.init_scale, model.init_scales)")
			}
		}
	}
	return nil
}

func unitsFinding(code string, iter, layer int, share float64, where, advice string) *Finding {
	when := "before the first iteration"
	if iter > 0 {
		when = fmt.Sprintf("after iteration %d", iter)
	}
	return &Finding{code, fmt.Sprintf("%s %.0f %% of the activities of hidden layer %d are %s", when, 100*share, layer+1, where), advice, "7.2, 13"}
}

// unequal looks for products with the curvature matrix that are not what they must be, whatever the net: equal, symmetric and finite.
func unequal(h history) *Finding {
	for _, at := range h.health {
		if !at.Products {
			continue
		}
		wrong := ""
		switch {
		case at.Difference == nil || at.Asymmetry == nil:
			wrong = "products with the curvature matrix were not finite"
		case *at.Difference > 0:
			wrong = fmt.Sprintf("two products with one vector differed by %.2g of their length", *at.Difference)
		case *at.Asymmetry > 1e-3:
			wrong = fmt.Sprintf("products with two vectors differed by %.2g from those with a symmetric matrix", *at.Asymmetry)
		default:
			continue
		}
		return &Finding{"products_differ", fmt.Sprintf("after iteration %d %s: CG cannot work with them", at.Iter, wrong),
			"`curvestream check` compares derivatives with finite differences; a fault of memory or of the device shows here too: try --device cpu, --dtype float64", "7.2"}
	}
	return nil
}
